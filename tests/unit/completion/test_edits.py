from __future__ import annotations

import pytest
from lsprotocol import types

from ide_agent.editor.documents import Document
from ide_agent.features.completion.edits import cursors


def edit(
    text: str, line: int, character: int, new: str, end: tuple[int, int] | None = None
) -> list[tuple[int, int]]:
    start = types.Position(line, character)
    where = types.Range(start, types.Position(*end) if end else start)
    change = types.TextDocumentContentChangePartial(range=where, text=new)
    document = Document("file:///a.py", text, 1, "python")
    document.apply_change(change)
    return [(at.line, at.character) for at in cursors(document, [change])]


@pytest.mark.parametrize(
    ("edited", "places"),
    [
        (("x = ", 0, 4, "a"), [(0, 5)]),
        (("x = abc", 0, 4, "", (0, 7)), [(0, 4)]),
        (("x = ab", 0, 4, "absolute", (0, 6)), [(0, 12)]),
        (("f", 0, 1, "()"), [(0, 3), (0, 2)]),
        (("x = ", 0, 4, ")"), [(0, 5)]),
        (("def f():", 0, 8, "\n    "), [(1, 4)]),
        (("f()", 0, 2, "\n    \n"), [(2, 0), (1, 4)]),
        (("f()", 0, 2, "\r\n    \r\n"), [(2, 0), (1, 4)]),
        (("'🎉'", 0, 3, "ğ🎉"), [(0, 6)]),
    ],
)
def test_behind_the_new_text_or_before_what_the_editor_added(
    edited: tuple[str, int, int, str], places: list[tuple[int, int]]
) -> None:
    assert edit(*edited) == places


def test_of_several_edits_or_of_a_whole_text_nothing_is_known() -> None:
    document = Document("file:///a.py", "xx", 1, "python")
    at = types.Position(0, 0)
    change = types.TextDocumentContentChangePartial(range=types.Range(at, at), text="a")
    assert cursors(document, [change, change]) == []
    assert cursors(document, [types.TextDocumentContentChangeWholeDocument(text="xx")]) == []
    assert cursors(document, []) == []
