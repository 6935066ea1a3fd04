"""What the editor knows, gathered for one request: the text around the cursor and what other places say."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pygls.uris import to_fs_path

from .cursor import CursorContext, Snippet
from .declarations import Declarations, read_file
from .policy import Policy
from .ring import SnippetRing

if TYPE_CHECKING:
    from lsprotocol import types

    from ide_agent.config import CompletionSettings
    from ide_agent.editor.documents import Document
    from ide_agent.editor.server import EditorServer

LINES_BEFORE = 512
LINES_AFTER = 64
MAX_CHARS = 48_000
SNIPPETS = 4


class ContextBuilder:
    """Builds contexts for the documents of one workspace folder, under one set of settings."""

    def __init__(self, server: EditorServer, settings: CompletionSettings, root: Path | None) -> None:
        self.policy = Policy(settings)
        self._server = server
        self._root = root
        self._ring = SnippetRing(self.policy.is_private)
        self._open: dict[Path, str] = {}
        self._declarations = Declarations([root] if root else [], self._read, self.policy.is_private)
        self._declared: dict[str, list[Snippet]] = {}

    def path(self, document: Document) -> str:
        """Workspace-relative with forward slashes; the bare name outside of it; '' without a file."""
        return self._name(document.file) if document.file is not None else ""

    def allows(self, document: Document) -> bool:
        """Whether the document gets suggestions."""
        allowed = self.policy.allows(document.uri, self.path(document), document.language)
        return bool(allowed) and not document.is_binary

    def cursor(self, document: Document, position: types.Position, *, invoked: bool) -> CursorContext:
        """The text around `position`."""
        window = document.window(
            position, lines_before=LINES_BEFORE, lines_after=LINES_AFTER, max_chars=MAX_CHARS
        )
        return CursorContext(
            uri=document.uri,
            path=self.path(document),
            language=document.language,
            version=document.version or 0,
            prefix=window.prefix,
            prefix_line=window.prefix_line,
            suffix=window.suffix,
            line=window.prefix_line + window.prefix.count("\n"),
            invoked=invoked,
        )

    def visit(self, document: Document, line: int) -> None:
        """The cursor is on `line`."""
        self._ring.visit(self.path(document), document.language, document.lines, line, _place(document))

    def edited(self, document: Document, line: int) -> None:
        """Something worth remembering stands at `line`."""
        self._ring.edited(self.path(document), document.language, document.lines, line, _place(document))

    async def refresh(self, document: Document, context: CursorContext) -> bool:
        """The user paused: look at the other files anew. Whether the next prompt will be another one for it.

        Between two pauses everything before the prefix stays as it is, and so stays the engine's KV prefix.
        """
        before = (self._ring.choose(context, SNIPPETS), self._declared.get(document.uri, []))
        self._open = {file: d.source for d in self._server.documents.all() if (file := d.file) is not None}
        text = document.source
        self._declared[document.uri] = await asyncio.to_thread(self._declarations.find, context, text)
        self._ring.refresh(document.uri)
        return before != (self._ring.choose(context, SNIPPETS), self._declared[document.uri])

    def forget(self, uri: str) -> None:
        """The document was closed. What was seen in it still counts, unless it is gone from the disk, too."""
        self._declared.pop(uri, None)
        file = Path(to_fs_path(uri) or "")
        if file.name and not file.exists():
            self._ring.forget(self._name(file))

    def body(self, context: CursorContext) -> dict[str, Any]:
        """The part of ``POST /completion`` that describes the situation."""
        return {
            "document": context.uri,
            "path": context.path,
            "language": context.language,
            "prefix": context.prefix,
            "prefix_line": context.prefix_line,
            "suffix": context.suffix,
            "snippets": _wire(self._ring.choose(context, SNIPPETS)),
            "declarations": _wire(self._declared.get(context.uri, [])),
        }

    def _name(self, file: Path) -> str:
        if self._root is not None and file.is_relative_to(self._root):
            return file.relative_to(self._root).as_posix()
        return file.name

    def _read(self, path: Path) -> str | None:
        """The text of another file: as it is open in the editor, else as it is on disk."""
        found = self._open.get(path)
        return read_file(path) if found is None else found


def _place(document: Document) -> str:
    """The absolute path; empty without a file."""
    return str(document.file or "")


def _wire(snippets: list[Snippet]) -> list[dict[str, str]]:
    return [{"path": snippet.path, "text": snippet.text, "file": snippet.file} for snippet in snippets]
