from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types
from lsprotocol.types import Position, Range, TextDocumentContentChangePartial, TextDocumentItem
from pygls.workspace import ServerTextPosition

from ide_agent.editor.documents import Document, Documents, EditorWorkspace, normalize_newlines, split_lines
from ide_agent.editor.positions import Codec

URI = "file:///w/a.py"


def document(text: str, encoding: str = "utf-16") -> Document:
    return Document(URI, text, 1, "python", position_codec=Codec(encoding))


def edit(doc: Document, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
    doc.apply_change(TextDocumentContentChangePartial(Range(Position(*start), Position(*end)), text))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a\n", ""]),
        ("a\r\nb\rc\n\nd", ["a\r\n", "b\r", "c\n", "\n", "d"]),
        ("\r", ["\r", ""]),
        ("\n\r", ["\n", "\r", ""]),
        ("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\n", ["a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\n", ""]),
        ("x\u2028\r\n", ["x\u2028\r\n", ""]),
    ],
)
def test_case_4_only_three_line_ends_are_line_ends(text: str, lines: list[str]) -> None:
    assert split_lines(text) == lines
    assert list(document(text).lines) == lines


def test_case_4_an_edit_behind_a_unicode_separator_lands_where_the_client_meant() -> None:
    doc = document("a = '\u2028'\nb = 1\n")
    edit(doc, (1, 4), (1, 5), "2")
    assert doc.source == "a = '\u2028'\nb = 2\n"


def test_case_6_the_last_line_needs_no_line_end() -> None:
    doc = document("a\nb")
    edit(doc, (1, 1), (1, 1), "c\n")
    edit(doc, (2, 0), (2, 0), "d")
    assert doc.source == "a\nbc\nd"


def test_case_7_crlf_stays_in_the_text_and_leaves_the_window() -> None:
    doc = document("a\r\nbc\r\nd\r\n")
    edit(doc, (1, 1), (1, 1), "x\r\ny")
    assert doc.source == "a\r\nbx\r\nyc\r\nd\r\n"
    window = doc.window(Position(2, 1), lines_before=9, lines_after=9, max_chars=99)
    assert (window.prefix, window.suffix) == ("a\nbx\ny", "c\nd\n")
    assert (window.line_prefix, window.line_suffix) == ("y", "c")


@pytest.mark.parametrize(
    ("text", "change", "result"),
    [
        ("a\rb", ((1, 0), (1, 0), "\n"), ["a\r\n", "b"]),
        ("a\r", ((1, 0), (1, 0), "\nx"), ["a\r\n", "x"]),
        ("a\r\nb", ((0, 1), (1, 0), "\r"), ["a\r", "b"]),
        ("a\nb", ((0, 1), (0, 1), "\r"), ["a\r\n", "b"]),
        ("a\n\nb", ((1, 0), (1, 0), "\r"), ["a\n", "\r\n", "b"]),
        ("a\r\n\nb", ((1, 0), (2, 0), ""), ["a\r\n", "b"]),
        ("a\rx\nb", ((1, 0), (1, 1), ""), ["a\r\n", "b"]),
        ("ab\ncd\nef", ((0, 1), (2, 1), ""), ["af"]),
        ("ab\n", ((0, 0), (1, 0), ""), [""]),
        ("ab", ((0, 2), (0, 0), "x"), ["x"]),
        ("ab\ncd", ((5, 5), (9, 9), "!"), ["ab\n", "cd!"]),
    ],
)
def test_line_ends_that_meet_or_part(
    text: str, change: tuple[tuple[int, int], tuple[int, int], str], result: list[str]
) -> None:
    doc = document(text)
    assert doc.lines
    edit(doc, *change)
    assert list(doc.lines) == result
    assert split_lines(doc.source) == result


def test_halves_of_a_character_become_one() -> None:
    doc = document("ab")
    edit(doc, (0, 1), (0, 1), "\ud83d")
    edit(doc, (0, 2), (0, 2), "\ude42")
    assert doc.source == "a🙂b"
    assert doc.position_from_client_units(Position(0, 3)) == ServerTextPosition(0, 2)
    assert document("\ud83d\ude42").source == "🙂"


def test_full_change_replaces_everything() -> None:
    doc = document("a\0")
    assert doc.is_binary
    doc.apply_change(types.TextDocumentContentChangeWholeDocument("b\n"))
    assert doc.source == "b\n"
    assert list(doc.lines) == ["b\n", ""]
    assert not doc.is_binary


def test_offsets_are_code_points_of_the_source() -> None:
    doc = document("a🙂\r\nbc")
    assert doc.offset_at_position(Position(1, 1)) == 5
    assert doc.server_position_at_offset(5) == ServerTextPosition(1, 1)
    assert doc.client_position_at_offset(2) == Position(0, 3)
    assert doc.server_position_at_offset(99) == ServerTextPosition(1, 2)
    edit(doc, (0, 0), (0, 0), "\n")
    assert doc.offset_at_position(Position(2, 1)) == 6


def test_window_keeps_whole_lines_within_its_bounds() -> None:
    doc = document("".join(f"line{n}\n" for n in range(10)))
    window = doc.window(Position(5, 2), lines_before=3, lines_after=2, max_chars=1000)
    assert window.prefix == "line2\nline3\nline4\nli"
    assert window.prefix_line == 2
    assert window.suffix == "ne5\nline6\nline7\n"
    tight = doc.window(Position(5, 2), lines_before=3, lines_after=2, max_chars=12)
    assert (tight.prefix, tight.prefix_line) == ("line4\nli", 4)
    assert tight.suffix == "ne5\nline6\n"
    start = doc.window(Position(0, 0), lines_before=3, lines_after=0, max_chars=100)
    assert (start.prefix, start.suffix, start.prefix_line) == ("", "line0\n", 0)


def test_window_cuts_only_a_line_that_is_too_long() -> None:
    doc = document("first\n" + "x" * 50 + "|" + "y" * 50 + "\nlast\n")
    window = doc.window(Position(1, 51), lines_before=5, lines_after=5, max_chars=10)
    assert window.prefix == "x" * 9 + "|"
    assert window.suffix == "y" * 10
    assert (window.prefix_line, window.line_prefix, window.line_suffix) == (1, window.prefix, window.suffix)
    assert doc.window(Position(1, 51), lines_before=1, lines_after=1, max_chars=0).prefix == ""


def test_case_40_an_edit_touches_only_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wall clock: what must not happen is that the text is put together or split anew."""
    doc = document("".join(f"line {n}\r\n" for n in range(16_000)))
    kept = doc.lines[0], doc.lines[15_999]

    def never(text: str) -> list[str]:
        assert len(text) < 100
        return [text]

    monkeypatch.setattr("ide_agent.editor.documents.split_lines", never)
    edit(doc, (8_000, 4), (8_000, 4), "!")
    window = doc.window(Position(8_000, 5), lines_before=2, lines_after=2, max_chars=500)
    assert window.prefix.endswith("\nline!")
    assert doc._source is None and doc._starts is None
    assert (doc.lines[0], doc.lines[15_999]) == kept


def test_case_40_a_line_of_ten_million_characters() -> None:
    doc = document("{" + "ğ🙂" * 3_400_000 + "}")
    assert len(doc.source) > 6_000_000
    edit(doc, (0, 3_000_001), (0, 3_000_001), "x")
    window = doc.window(Position(0, 3_000_002), lines_before=9, lines_after=9, max_chars=20)
    assert len(window.prefix) == len(window.suffix) == 20
    assert window.prefix.endswith("🙂ğ🙂x") or window.prefix.endswith("ğ🙂ğx")


def test_case_44_documents_without_a_file() -> None:
    for uri, scheme in [
        ("untitled:Untitled-1", "untitled"),
        ('git:/w/a.py?{"path":"/w/a.py","ref":"~"}', "git"),
        ("vscode-notebook-cell:/w/n.ipynb#W0sZmlsZQ%3D%3D", "vscode-notebook-cell"),
        ("output:extension-output-#1", "output"),
    ]:
        doc = Document(uri, "x = 1\n", 1, "python", position_codec=Codec())
        assert doc.scheme == scheme
        assert doc.file is None
        edit(doc, (0, 4), (0, 5), "2")
        assert doc.source == "x = 2\n"
    assert document("x").file == Path("/w/a.py")


def test_case_44_binary_is_noticed_when_it_comes_and_when_it_goes() -> None:
    doc = document("abc\ndef")
    assert not doc.is_binary
    edit(doc, (1, 0), (1, 0), "\0")
    assert doc.is_binary
    edit(doc, (0, 0), (0, 0), "x")
    assert doc.is_binary
    edit(doc, (1, 0), (1, 1), "")
    assert not doc.is_binary


def test_a_document_that_is_not_open_is_read_from_disk(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"ok\n\xff")
    workspace = EditorWorkspace(None)
    assert workspace.get_text_document(file.as_uri()).source == "ok\n\ufffd"
    assert workspace.get_text_document((tmp_path / "none").as_uri()).source == ""


def test_documents_are_the_open_ones() -> None:
    workspace = EditorWorkspace(None)
    documents = Documents(workspace)
    workspace.put_text_document(TextDocumentItem("file:///c%3A/x%20y.py", "python", 3, "a"))
    found = documents.get("file:///c:/x y.py")
    assert found is not None and (found.version, found.language) == (3, "python")
    assert documents.all() == [found]
    assert documents.get("file:///other.py") is None
    workspace.remove_text_document("file:///c%3A/x%20y.py")
    assert documents.all() == []


def test_changes_to_what_is_not_open_are_dropped() -> None:
    workspace = EditorWorkspace(None)
    change = types.TextDocumentContentChangeWholeDocument("x")
    workspace.update_text_document(types.VersionedTextDocumentIdentifier(1, URI), change)
    notebook = types.VersionedNotebookDocumentIdentifier(1, "file:///n.ipynb")
    params = types.DidChangeNotebookDocumentParams(notebook, types.NotebookDocumentChangeEvent())
    workspace.update_notebook_document(params)
    assert Documents(workspace).all() == []


def test_case_43_the_innermost_folder_holds_a_document() -> None:
    folders = [types.WorkspaceFolder("file:///w", "w"), types.WorkspaceFolder("file:///w/sub%20dir", "s")]
    documents = Documents(EditorWorkspace(None, workspace_folders=folders))
    assert documents.folder_of("file:///w/a.py") == Path("/w")
    assert documents.folder_of("file:///w/sub%20dir/a.py") == Path("/w/sub dir")
    assert documents.folder_of("file:///w/sub%20dirty/a.py") == Path("/w")
    assert documents.folder_of("vscode-notebook-cell:/w/sub dir/n.ipynb#c") == Path("/w/sub dir")
    assert documents.folder_of("untitled:Untitled-1") == Path("/w")
    assert Documents(EditorWorkspace("file:///r")).folder_of("file:///r/x") == Path("/r")
    assert Documents(EditorWorkspace(None)).folder_of("file:///r/x") is None


@pytest.mark.parametrize(
    "uri",
    [
        "file:///c:/two/a.py",
        "file:///c%3A/two/a.py",
        "file:///C:/two/a.py",
        "vscode-notebook-cell:/c:/two/n#1",
    ],
)
def test_case_43_folders_on_a_drive(uri: str) -> None:
    folders = [types.WorkspaceFolder(f"file:///c%3A/{name}", name) for name in ("one", "two")]
    documents = Documents(EditorWorkspace(None, workspace_folders=folders))
    assert documents.folder_of(uri) == Path("c:/two")


def test_normalize_newlines() -> None:
    assert normalize_newlines("a\r\nb\rc\n\r") == "a\nb\nc\n\n"
