"""From the engine's raw text to what is shown.

`clean` is called with the growing raw text, at each complete line and at the end. Every step looks only at
what stands before the place it changes, so what was shown of the first lines stays when more lines come.
"""

from __future__ import annotations

from ide_agent.features.completion import layout
from ide_agent.features.completion.cursor import CursorContext, Suggestion
from ide_agent.features.completion.postprocess.brackets import cut_redundant_closer
from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.postprocess.indentation import first_line
from ide_agent.features.completion.postprocess.limits import cut_overlong
from ide_agent.features.completion.postprocess.lines import (
    drop_leading,
    drop_trailing,
    normalized,
    whole_lines,
)
from ide_agent.features.completion.postprocess.loops import cut_loop, runs_on
from ide_agent.features.completion.postprocess.same_line import fit_line
from ide_agent.features.completion.postprocess.special import cut_special
from ide_agent.features.completion.postprocess.suffix import cut_known_lines
from ide_agent.features.completion.postprocess.undo import undoes_edit
from ide_agent.features.completion.postprocess.unfinished import cut_unfinished
from ide_agent.features.completion.shape import Shape, end

__all__ = ["clean", "runs_on"]


def clean(
    context: CursorContext, raw: str, shape: Shape, *, final: bool, truncated: bool = False
) -> Suggestion | None:
    """What to show of `raw`; None when there is nothing worth showing (yet).

    Args:
        context: the document around the cursor.
        raw: all that the engine wrote so far.
        shape: what was asked for.
        final: nothing more will come; the last line is shown although no line end follows it.
        truncated: with `final`: generation ran into a limit, so the last line is only part of a line. When it
            is the only one, as much of it is shown as makes sense by itself.

    Returns:
        The suggestion. Its `text` starts with that of every earlier call with less of the same raw text. With
        `complete`, more raw text will not change it.
    """
    draft = Draft(normalized(whole_lines(raw, final=final, truncated=truncated)), ended=final)
    draft = cut_special(draft, context, shape, final=final)
    draft = draft.with_text(layout.as_document(draft.text, context))
    cut = end(context, draft.text, shape)
    if cut is not None:
        draft = draft.cut(cut)
    elif truncated:
        draft = cut_unfinished(draft, context)
    draft = drop_leading(draft, context)
    draft = draft.with_text(first_line(draft.text, context))
    if context.line_suffix.strip():
        draft = fit_line(draft, context)
    else:
        draft = cut_known_lines(draft, context)
        draft = cut_redundant_closer(draft, context)
    draft = cut_overlong(draft, shape)
    draft = cut_loop(draft, context)
    draft = drop_trailing(draft, context)
    if not draft.text.strip() or undoes_edit(draft.text, context):
        return None
    return Suggestion(draft.text, draft.replace_after, draft.ended)


__all__ = ["clean"]
