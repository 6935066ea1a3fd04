"""Line ends, blank lines at both ends, the incomplete last line."""

from __future__ import annotations

import re

from ide_agent.features.completion.cursor import CursorContext
from ide_agent.features.completion.postprocess.draft import Draft

_UNUSABLE = re.compile("[\ud800-\udfff\x00-\x08\x0e-\x1f\x7f]")
_TRAILING = re.compile(r"[ \t]+(?=\n)")


def whole_lines(raw: str, *, final: bool, truncated: bool) -> str:
    """`raw` as far as its lines are complete. The only line of a truncated answer is kept, as a beginning."""
    if final and not truncated:
        return raw
    known = raw[: raw.rfind("\n") + 1]
    return raw if final and not known.strip() else known


def normalized(raw: str) -> str:
    r"""`raw` with ``\n`` line ends, without control characters and halves of characters."""
    if "\r" in raw:
        raw = raw.replace("\r\n", "\n").replace("\r", "")
    return _UNUSABLE.sub("", raw).rstrip("\ufffd")


def drop_leading(draft: Draft, context: CursorContext) -> Draft:
    """Without the line ends before the first line, where the cursor's own line is still free.

    The indentation of that line then counts from the cursor on. Behind code one line end is kept: the
    suggestion is the block that the code opens.
    """
    body = draft.text.lstrip("\n \t\x0b\x0c")
    lead = draft.text[: len(draft.text) - len(body)]
    if "\n" not in lead or not body:
        return draft
    indentation = lead.rpartition("\n")[2]
    here = context.line_prefix
    if here.strip():
        return draft.with_text(f"\n{indentation}{body}")
    own = indentation[len(here) :] if indentation.startswith(here) else ""
    return draft.with_text(own + body)


def drop_trailing(draft: Draft, context: CursorContext) -> Draft:
    """Without blanks at line ends and line ends at the end; blanks before code right of the cursor stay."""
    text = _TRAILING.sub("", draft.text)
    if context.line_suffix.strip():
        return draft.with_text(text.rstrip("\n"))
    return draft.with_text(text.rstrip())
