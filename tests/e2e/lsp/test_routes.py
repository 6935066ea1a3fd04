"""The user's routes.yaml in a plain LSP client, with the real server and host behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient

from ide_agent.paths import routes_file
from support.ghost import PATIENCE

pytestmark = pytest.mark.e2e

BROKEN = """\
rules:
  - name: refactor
    when: {task: chta}
    model: startr
"""


def opened(client: LanguageClient, text: str) -> str:
    uri = routes_file().as_uri()
    client.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "yaml", 1, text))
    )
    return uri


def changed(client: LanguageClient, uri: str, version: int, text: str) -> None:
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(uri=uri, version=version),
            [types.TextDocumentContentChangeWholeDocument(text)],
        )
    )


async def shown(client: LanguageClient, uri: str, lines: list[int]) -> list[types.Diagnostic]:
    """The diagnostics once they stand on these lines."""
    async with asyncio.timeout(PATIENCE):
        while [each.range.start.line for each in client.diagnostics.get(uri, [])] != lines or (
            uri not in client.diagnostics
        ):
            await asyncio.sleep(0.01)
    return list(client.diagnostics[uri])


async def test_what_is_wrong_shows_while_it_is_typed(client: LanguageClient, tmp_path: Path) -> None:
    uri = opened(client, BROKEN)
    wrong, unknown = await shown(client, uri, [2, 3])
    assert unknown.severity == types.DiagnosticSeverity.Warning
    assert wrong.severity == types.DiagnosticSeverity.Error
    assert "“chat”" in wrong.message
    changed(client, uri, 2, BROKEN.replace("chta", "chat"))
    (unknown,) = await shown(client, uri, [3])
    assert unknown.severity == types.DiagnosticSeverity.Warning
    assert "“starter”" in unknown.message
    changed(client, uri, 3, BROKEN.replace("chta", "chat").replace("startr", "starter"))
    assert await shown(client, uri, []) == []
    client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))


async def test_keys_and_models_are_completed_and_explained(client: LanguageClient) -> None:
    uri = opened(client, BROKEN)
    document = types.TextDocumentIdentifier(uri)

    async def offered(line: int, character: int) -> set[str]:
        at = types.Position(line, character)
        found = await client.text_document_completion_async(types.CompletionParams(document, at))
        assert isinstance(found, types.CompletionList)
        return {item.label for item in found.items}

    assert {"name", "when", "model", "fallbacks"} <= await offered(3, 5)
    assert {"chat", "completion"} <= await offered(2, 20)
    assert {"starter", "default"} <= await offered(3, 13)
    hover = await client.text_document_hover_async(types.HoverParams(document, types.Position(2, 13)))
    assert hover is not None
    assert isinstance(hover.contents, types.MarkupContent)
    assert "What the request is for" in hover.contents.value
    client.text_document_did_close(types.DidCloseTextDocumentParams(document))
