"""A document with the cursor drawn into it."""

from __future__ import annotations

from ide_agent.features.completion.cursor import CursorContext

MARK = "‸"


def at_cursor(source: str, language: str = "python", **rest: object) -> CursorContext:
    """The context at the mark ``‸`` in `source`; `rest` are further fields of `CursorContext`."""
    prefix, mark, suffix = source.partition(MARK)
    assert mark, "no cursor in the document"
    fields: dict[str, object] = {"prefix_line": 0, "line": prefix.count("\n"), **rest}
    return CursorContext(
        uri="file:///a", path="a", language=language, version=1, prefix=prefix, suffix=suffix, **fields
    )  # type: ignore[arg-type]
