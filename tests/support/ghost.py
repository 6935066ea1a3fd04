"""A pytest-lsp client that can ask for ghost text."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lsprotocol import types
from pytest_lsp import LanguageClient, make_test_lsp_client

MORE = "ideAgent/inlineCompletion/more"
PATIENCE = 120.0


def make_client() -> LanguageClient:
    """A test client that keeps what grows and what the server says."""
    client = make_test_lsp_client()
    client.grown = asyncio.Queue()  # type: ignore[attr-defined]

    @client.feature(MORE)
    def more(ls: LanguageClient, params: Any) -> None:
        ls.grown.put_nowait(params)  # type: ignore[attr-defined]

    return client


class GhostClient:
    """One document at a time, one cursor."""

    def __init__(self, client: LanguageClient, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self.versions: dict[str, int] = {}

    def open(self, text: str, name: str = "a.py", language: str = "python", *, uri: str = "") -> str:
        """Open a document; its URI."""
        uri = uri or (self.folder / name).as_uri()
        self.versions[uri] = 1
        item = types.TextDocumentItem(uri, language, 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return uri

    @contextmanager
    def in_one_piece(self) -> Iterator[None]:
        """What is sent meanwhile reaches the server at once, however slow this process is."""
        protocol = self.client.protocol
        writer, pieces = protocol.writer, list[bytes]()
        protocol.writer = SimpleNamespace(write=pieces.append)
        try:
            yield
        finally:
            protocol.writer = writer
            writer.write(b"".join(pieces))

    def type(self, uri: str, line: int, character: int, text: str) -> None:
        """Insert `text`."""
        at = types.Position(line, character)
        self.replace(uri, types.Range(at, at), text)

    def replace(self, uri: str, where: types.Range, text: str) -> None:
        """Replace a range."""
        self.versions[uri] += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(uri=uri, version=self.versions[uri]),
                [types.TextDocumentContentChangePartial(range=where, text=text)],
            )
        )

    def begin(
        self,
        uri: str,
        line: int,
        character: int,
        *,
        invoked: bool = True,
        selected: types.SelectedCompletionInfo | None = None,
    ) -> asyncio.Future[Any]:
        """Send a request, now."""
        kind = types.InlineCompletionTriggerKind
        params = types.InlineCompletionParams(
            context=types.InlineCompletionContext(kind.Invoked if invoked else kind.Automatic, selected),
            text_document=types.TextDocumentIdentifier(uri),
            position=types.Position(line, character),
        )
        return asyncio.wrap_future(self.client.text_document_inline_completion(params))

    async def ask(
        self, uri: str, line: int, character: int, **more: Any
    ) -> types.InlineCompletionItem | None:
        """The suggestion, or None."""
        items = await self.ask_all(uri, line, character, **more)
        assert len(items) <= 1
        return items[0] if items else None

    async def ask_all(
        self, uri: str, line: int, character: int, **more: Any
    ) -> list[types.InlineCompletionItem]:
        """All suggestions."""
        answer = await asyncio.wait_for(self.begin(uri, line, character, **more), PATIENCE)
        items = answer.items if isinstance(answer, types.InlineCompletionList) else answer
        return list(items or [])

    async def whole(self, item: types.InlineCompletionItem) -> str:
        """The text of a suggestion when it has stopped growing."""
        text = str(item.insert_text)
        done = details(item)["done"]
        while not done:
            params = await asyncio.wait_for(self.client.grown.get(), PATIENCE)  # type: ignore[attr-defined]
            if params.completionId == details(item)["completionId"]:
                assert params.insertText.startswith(text)
                text, done = params.insertText, params.done
        return text


def details(item: types.InlineCompletionItem) -> dict[str, Any]:
    """The argument of the item's command."""
    assert item.command is not None
    assert item.command.arguments is not None
    argument = item.command.arguments[0]
    return argument if isinstance(argument, dict) else vars(argument)
