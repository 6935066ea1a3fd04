"""Where the user may go from a position: what is computed ahead, and which edits lead there."""

from __future__ import annotations

from dataclasses import replace

from .cursor import CursorContext, Suggestion


def accepted(context: CursorContext, suggestion: Suggestion) -> CursorContext:
    """The situation after the user took `suggestion`."""
    return replace(
        context,
        prefix=context.prefix + suggestion.text,
        suffix=context.suffix[suggestion.replace_after :],
        line=context.line + suggestion.text.count("\n"),
        removed="",
        invoked=False,
    )


def entered(context: CursorContext) -> CursorContext:
    """The situation after Enter, on a line as far indented."""
    line = context.line_prefix
    indent = line[: len(line) - len(line.lstrip())]
    return replace(context, prefix=f"{context.prefix}\n{indent}", line=context.line + 1)


def with_removed(context: CursorContext, before: CursorContext | None) -> CursorContext:
    """`context` with what the user deleted since he was at `before`, if he deleted backwards."""
    if before is None or before.prefix_line != context.prefix_line or before.prefix == context.prefix:
        return context
    if before.prefix.startswith(context.prefix):
        return replace(context, removed=before.prefix[len(context.prefix) :])
    return context


def leads_to(context: CursorContext, goal: CursorContext) -> bool:
    """Whether typing on at `context` can lead to `goal`. The windows of the two may have scrolled."""
    first = max(context.prefix_line, goal.prefix_line)
    return _from_line(goal, first).startswith(_from_line(context, first))


def _from_line(context: CursorContext, first: int) -> str:
    skipped = first - context.prefix_line
    return context.prefix.split("\n", skipped)[-1] if skipped else context.prefix
