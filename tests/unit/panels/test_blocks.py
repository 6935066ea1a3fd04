"""What may stand in a panel, and what may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ide_agent.panels.blocks import Block, PanelEvent, PanelPatch, PanelState, Row, plain

_BLOCK: TypeAdapter[Block] = TypeAdapter(Block)


@pytest.mark.parametrize(
    "block",
    [
        {"kind": "text", "id": "a", "markdown": "x", "onclick": "alert(1)"},
        {"kind": "html", "id": "a", "html": "<b>"},
        {"kind": "text", "id": "a b", "markdown": "x"},
        {"kind": "text", "id": "", "markdown": "x"},
        {"kind": "progress", "id": "a", "label": "x", "percent": 101},
        {"kind": "image", "id": "a", "alt": "x", "source": "https://example.org/a.png"},
        {"kind": "image", "id": "a", "alt": "x", "source": "data:image/svg+xml;base64,AAAA"},
        {"kind": "form", "id": "a", "fields": []},
    ],
)
def test_what_no_client_could_draw_is_refused(block: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _BLOCK.validate_python(block)


def test_a_row_may_have_any_name() -> None:
    assert Row(id="my model (1)/çok güzel", cells={}).id


def test_the_schema_names_every_kind() -> None:
    kinds = PanelState.model_json_schema()["properties"]["blocks"]["items"]["discriminator"]["mapping"]
    assert sorted(kinds) == sorted(
        ["text", "code", "diff", "table", "form", "progress", "chart", "image", "log", "actions"]
    )
    assert PanelPatch.model_json_schema() and PanelEvent.model_json_schema()


def test_plain_text_has_no_marks() -> None:
    assert plain("a_b *c* <d> [e](f) `g` #1") == (r"a\_b \*c\* \<d\> \[e\]\(f\) \`g\` \#1")


@given(st.text())
def test_plain_text_loses_nothing(text: str) -> None:
    shown, escaped = "", False
    for char in plain(text):
        if char == "\\" and not escaped:
            escaped = True
            continue
        shown += char
        escaped = False
    assert shown == text
