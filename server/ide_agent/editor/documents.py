r"""The text of the open documents, always equal to the client's.

pygls splits with `str.splitlines`, which also breaks at U+2028, U+0085, form feed and others: every
position behind one is wrong from there on, and edits land in the wrong place. It also rebuilds the whole
document in a Python loop for each keystroke. `Document` keeps a list of lines instead, broken at ``\n``,
``\r\n`` and ``\r`` only, and splices it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from urllib.parse import unquote

import attrs
from lsprotocol import types
from pygls.uris import to_fs_path, uri_scheme, urlparse, urlunparse
from pygls.workspace import PositionCodec, ServerTextPosition, TextDocument, Workspace

from ide_agent.editor.positions import Codec

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")


def split_lines(text: str) -> list[str]:
    r"""Lines with their ends; never empty: behind a last line end comes one more, empty line."""
    if "\r" not in text:
        lines = [line + "\n" for line in text.split("\n")]
        lines[-1] = lines[-1][:-1]
        return lines
    lines = _LINE.findall(text)
    if not lines or lines[-1].endswith(("\n", "\r")):
        lines.append("")
    return lines


def normalize_newlines(text: str) -> str:
    r"""`text` with ``\n`` as its only line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


@attrs.frozen
class Window:
    r"""The text around a cursor; line ends are ``\n``.

    Attributes:
        prefix: text before the cursor, starting at a line start unless the cursor's own line is too long.
        suffix: text behind the cursor.
        prefix_line: document line on which `prefix` starts.
        line_prefix: the cursor's line up to the cursor.
        line_suffix: the cursor's line from the cursor on, without its line end.
    """

    prefix: str
    suffix: str
    prefix_line: int
    line_prefix: str
    line_suffix: str


class Document(TextDocument):
    """A text document as a list of lines."""

    def __init__(
        self,
        uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
        local: bool = True,
        sync_kind: types.TextDocumentSyncKind = types.TextDocumentSyncKind.Incremental,
        position_codec: PositionCodec | None = None,
    ) -> None:
        super().__init__(uri, source, version, language_id, local, sync_kind, position_codec or Codec())
        self._lines: list[str] | None = None
        self._starts: list[int] | None = None
        self._binary: bool | None = None
        if source is not None:
            self._set_text(source)

    # -- what it is

    @property
    def scheme(self) -> str:
        """The URI's scheme, such as ``file``, ``untitled``, ``git`` or ``vscode-notebook-cell``."""
        return uri_scheme(self.uri) or "file"

    @property
    def file(self) -> Path | None:
        """Where the document lives on disk; None when it lives nowhere (``untitled:``, ``git:``, …)."""
        path = to_fs_path(self.uri) if self.scheme == "file" else None
        return Path(path) if path else None

    @property
    def language(self) -> str:
        """The LSP language id; empty when unknown."""
        return str(getattr(self.language_id, "value", self.language_id) or "")

    @property
    def is_binary(self) -> bool:
        """Whether the text holds a NUL character: not something to complete."""
        if self._binary is None:
            self._binary = "\0" in self.source
        return self._binary

    # -- text

    @property
    def source(self) -> str:
        """The whole text."""
        if self._source is None:
            if self._lines is None:
                return "".join(self._text())
            self._source = "".join(self._lines)
        return self._source

    @property
    def lines(self) -> Sequence[str]:
        """Lines with their ends; see `split_lines`. Not to be changed or kept over an edit."""
        return self._text()

    def line(self, number: int) -> str:
        """Line `number` without its end; empty when there is no such line."""
        lines = self._text()
        return lines[number].rstrip("\r\n") if 0 <= number < len(lines) else ""

    def window(
        self, position: types.Position, *, lines_before: int, lines_after: int, max_chars: int
    ) -> Window:
        """What surrounds the client's `position`.

        Args:
            position: where the cursor is, in the client's units; clamped.
            lines_before: whole lines wanted above the cursor's line.
            lines_after: whole lines wanted below it.
            max_chars: bound of `prefix` and of `suffix` each, in code points. Lines that do not fit are left
                out whole; only the cursor's own line is cut.
        """
        lines = self._text()
        at = self.position_from_client_units(position)
        line_prefix = lines[at.line][: at.character][-max_chars:] if max_chars else ""
        behind = lines[at.line][at.character : at.character + max_chars + 2]
        line_suffix = behind.rstrip("\r\n")[:max_chars]

        first, room = at.line, max_chars - len(line_prefix)
        while first > max(at.line - lines_before, 0) and len(lines[first - 1]) <= room:
            first -= 1
            room -= len(lines[first])
        last, room = at.line, max_chars - len(behind)
        while last < min(at.line + lines_after, len(lines) - 1) and len(lines[last + 1]) <= room:
            last += 1
            room -= len(lines[last])
        return Window(
            prefix=normalize_newlines("".join(lines[first : at.line]) + line_prefix),
            suffix=normalize_newlines(behind[:max_chars] + "".join(lines[at.line + 1 : last + 1])),
            prefix_line=first,
            line_prefix=line_prefix,
            line_suffix=line_suffix,
        )

    def _text(self) -> list[str]:
        if self._lines is None:
            self._lines = split_lines(self._source if self._source is not None else self._read())
        return self._lines

    def _read(self) -> str:
        """The text on disk of a document that is not open."""
        try:
            data = self.file.read_bytes() if self.file else b""
        except OSError:
            return ""
        return data.decode("utf-8", "replace")

    # -- edits

    def _set_text(self, text: str) -> None:
        self._source = _join_surrogates(text)
        self._lines = self._starts = self._binary = None

    def _apply_full_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        self._set_text(change.text)

    def _apply_incremental_change(self, change: types.TextDocumentContentChangePartial) -> None:
        lines = self._text()
        start, end = sorted(
            (
                self.position_from_client_units(change.range.start),
                self.position_from_client_units(change.range.end),
            )
        )
        first, last = start.line, end.line
        closed = last + 1 < len(lines)
        left, text, right = _join_seams(
            lines[first][: start.character], change.text, lines[last][end.character :]
        )
        if text.endswith("\r") and right.startswith("\n"):
            text, right = text + "\n", right[1:]
        pieces = split_lines(text)
        pieces[0] = left + pieces[0]
        pieces[-1] += right
        if closed and not pieces[-1]:
            pieces.pop()
        if first and pieces[0].startswith("\n") and lines[first - 1].endswith("\r"):
            first -= 1
            pieces[0] = lines[first] + pieces[0]
        lines[first : last + 1] = pieces
        self._source = self._starts = None
        if self._binary is not False or "\0" in change.text:
            self._binary = None

    # -- offsets, in code points of `source`

    def offset_at_server_position(self, server_position: ServerTextPosition) -> int:
        """Index into `source` of a line and code-point index."""
        starts = self._line_starts()
        return starts[min(server_position.line, len(starts) - 1)] + server_position.character

    def server_position_at_offset(self, offset: int) -> ServerTextPosition:
        """Line and code-point index of an index into `source`, clamped."""
        starts, lines = self._line_starts(), self._text()
        line = max(bisect_right(starts, offset) - 1, 0)
        return ServerTextPosition(line, min(max(offset - starts[line], 0), len(lines[line])))

    def _line_starts(self) -> list[int]:
        if self._starts is None:
            self._starts = list(accumulate(map(len, self._text()), initial=0))[:-1]
        return self._starts


def _join_surrogates(text: str) -> str:
    """JSON may bring the halves of a character separately; Python must hold it as one."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text


def _join_seams(left: str, text: str, right: str) -> tuple[str, str, str]:
    """The parts of an edited line, with halves of characters that meet at a seam joined into `text`."""
    seam = left[-1:] + text + right[:1]
    joined = _join_surrogates(seam)
    if len(joined) == len(seam):
        return left, text, right
    return left[:-1], joined, right[1:]


class EditorWorkspace(Workspace):
    """The workspace with `Document` as its document class."""

    def __init__(
        self,
        root_uri: str | None,
        sync_kind: types.TextDocumentSyncKind = types.TextDocumentSyncKind.Incremental,
        workspace_folders: Sequence[types.WorkspaceFolder] | None = None,
        position_encoding: types.PositionEncodingKind | str | None = types.PositionEncodingKind.Utf16,
    ) -> None:
        super().__init__(root_uri, sync_kind, workspace_folders, position_encoding)
        self._position_codec = Codec(position_encoding)

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> Document:
        return Document(
            doc_uri,
            source=source,
            version=version,
            language_id=language_id,
            sync_kind=self._sync_kind,
            position_codec=self._position_codec,
        )

    def update_text_document(
        self,
        text_doc: types.VersionedTextDocumentIdentifier,
        change: types.TextDocumentContentChangeEvent,
    ) -> None:
        """Apply a change; one to a document that is not open is dropped."""
        if unquote(text_doc.uri) in self._text_documents:
            super().update_text_document(text_doc, change)

    def update_notebook_document(self, params: types.DidChangeNotebookDocumentParams) -> None:
        """Apply a change; one to a notebook that is not open is dropped."""
        if unquote(params.notebook_document.uri) in self._notebook_documents:
            super().update_notebook_document(params)

    def folder_paths(self) -> list[Path]:
        """The workspace folders on disk; the root where the client knows no folders."""
        folders = [path for folder in self._folders.values() if (path := to_fs_path(folder.uri))]
        if not folders and self._root_path:
            folders = [self._root_path]
        return [Path(folder) for folder in folders]


def _path_of(uri: str) -> Path:
    """Where `uri` leads on disk, as `EditorWorkspace.folder_paths` writes paths; of any scheme."""
    if uri_scheme(uri) != "file":  # a notebook cell, git: and the like
        uri = urlunparse(("file", "", urlparse(uri)[2], "", "", ""))
    return Path(to_fs_path(uri) or "")


class Documents:
    """The documents the client has open."""

    def __init__(self, workspace: EditorWorkspace) -> None:
        self._workspace = workspace

    def get(self, uri: str) -> Document | None:
        """The open document `uri` (a notebook cell is one too); None when it is not open."""
        found = self._workspace.text_documents.get(unquote(uri))
        return found if isinstance(found, Document) else None

    def all(self) -> list[Document]:
        """All open documents, in the order in which they were opened."""
        return [d for d in self._workspace.text_documents.values() if isinstance(d, Document)]

    def folders(self) -> list[Path]:
        """The workspace folders on disk, in the client's order."""
        return self._workspace.folder_paths()

    def folder_of(self, uri: str) -> Path | None:
        """The innermost workspace folder that holds `uri`; for what lies in none, the first one."""
        folders = self.folders()
        path = _path_of(uri)
        inside = [folder for folder in folders if path.is_relative_to(folder)]
        if inside:
            return max(inside, key=lambda folder: len(folder.parts))
        return folders[0] if folders else None

    def window(
        self,
        document: Document,
        position: types.Position,
        lines_before: int,
        lines_after: int,
        max_chars: int,
    ) -> Window:
        """See `Document.window`."""
        return document.window(
            position, lines_before=lines_before, lines_after=lines_after, max_chars=max_chars
        )
