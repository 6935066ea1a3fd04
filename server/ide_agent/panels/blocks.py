"""What panels are made of. A block is data: every client draws all of them, none needs code for a feature.

The JSON Schema of `PanelState` is written to clients/web, where the TypeScript types come from it
(`make reference`).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&])")

Id = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[\w.:@/+-]+$")]
Align = Literal["start", "end"]
Style = Literal["normal", "primary", "danger"]
Level = Literal["info", "warning", "error", "success"]
FieldKind = Literal["text", "secret", "number", "choice", "check", "lines"]


def plain(text: str) -> str:
    """`text` as Markdown that shows it as it is."""
    return _MARKS.sub(r"\\\1", text)


class Part(BaseModel):
    """Base of everything in a panel: what is not foreseen is refused."""

    model_config = ConfigDict(extra="forbid")


class Action(Part):
    """A button. Pressed, it comes back as an event with `name` and `args`."""

    name: Id
    label: str
    style: Style = "normal"
    confirm: str = ""
    """Asked before it is sent; empty: not asked."""
    args: dict[str, JsonValue] = {}
    enabled: bool = True


class TextBlock(Part):
    """Markdown. It can grow (`append`)."""

    kind: Literal["text"] = "text"
    id: Id
    markdown: str
    level: Level = "info"


class CodeBlock(Part):
    """Source code. It can grow."""

    kind: Literal["code"] = "code"
    id: Id
    text: str
    language: str = ""
    title: str = ""
    actions: list[Action] = []


class DiffBlock(Part):
    """A change of one file, as a unified diff (GNU diffutils, “Unified Format”)."""

    kind: Literal["diff"] = "diff"
    id: Id
    path: str
    patch: str
    actions: list[Action] = []


class Column(Part):
    """Of a table. `end`: numbers."""

    key: Id
    label: str
    align: Align = "start"


class Row(Part):
    """Of a table. `cells` by the key of their column; one that is missing is empty."""

    id: Annotated[str, Field(min_length=1, max_length=500)]
    cells: dict[str, str]
    actions: list[Action] = []


class TableBlock(Part):
    """Rows with the same columns."""

    kind: Literal["table"] = "table"
    id: Id
    columns: list[Column]
    rows: list[Row]
    title: str = ""
    empty: str = ""
    """Said in place of no rows."""


class Choice(Part):
    """Of a field."""

    value: str
    label: str


class FormField(Part):
    """A question. `value` is text, a number or a truth value, as its kind demands."""

    name: Id
    label: str
    kind: FieldKind = "text"
    value: str | float | bool = ""
    choices: list[Choice] = []
    """Of a choice: all there are. Of a text: what may be meant; anything else can be written as well."""
    hint: str = ""
    required: bool = False


class FormBlock(Part):
    """Questions; `submit` comes back with ``values`` by the fields' names."""

    kind: Literal["form"] = "form"
    id: Id
    fields: list[FormField]
    submit: Action
    title: str = ""
    clears: bool = False
    """Once it was taken, each field holds its `value` again; after an error what was typed stays."""


class ProgressBlock(Part):
    """How far something is. Without `percent` nobody knows."""

    kind: Literal["progress"] = "progress"
    id: Id
    label: str
    percent: Annotated[float, Field(ge=0, le=100)] | None = None
    detail: str = ""
    actions: list[Action] = []


class Series(Part):
    """A line of a chart: points (x, y), in the order of x."""

    label: str
    points: list[tuple[float, float]]


class ChartBlock(Part):
    """Lines over a common x. A point is added by setting the block anew."""

    kind: Literal["chart"] = "chart"
    id: Id
    series: list[Series]
    title: str = ""
    x_label: str = ""
    y_label: str = ""


class Box(Part):
    """A rectangle on an image, in its pixels."""

    x: float
    y: float
    width: float
    height: float
    label: str = ""


class ImageBlock(Part):
    """An image as a ``data:`` URI (PNG, JPEG, WebP or GIF)."""

    kind: Literal["image"] = "image"
    id: Id
    source: Annotated[str, Field(pattern=r"^data:image/(png|jpeg|webp|gif);base64,")]
    alt: str
    boxes: list[Box] = []


class LogBlock(Part):
    """Lines of text, the last in view. It can grow."""

    kind: Literal["log"] = "log"
    id: Id
    text: str = ""
    title: str = ""


class ActionsBlock(Part):
    """Buttons beside each other."""

    kind: Literal["actions"] = "actions"
    id: Id
    actions: list[Action]


Block = Annotated[
    TextBlock
    | CodeBlock
    | DiffBlock
    | TableBlock
    | FormBlock
    | ProgressBlock
    | ChartBlock
    | ImageBlock
    | LogBlock
    | ActionsBlock,
    Field(discriminator="kind"),
]


class SetOp(Part):
    """Put `block` in place of the one with its id; a new one goes before `before`, else to the end."""

    op: Literal["set"] = "set"
    block: Block
    before: str = ""


class AppendOp(Part):
    """Add `text` to the text of a block that can grow."""

    op: Literal["append"] = "append"
    id: Id
    text: str


class RemoveOp(Part):
    """Take the block away."""

    op: Literal["remove"] = "remove"
    id: Id


class TitleOp(Part):
    """Another title for the panel."""

    op: Literal["title"] = "title"
    title: str


Op = Annotated[SetOp | AppendOp | RemoveOp | TitleOp, Field(discriminator="op")]


class PanelState(Part):
    """A whole panel, as ``show`` carries it."""

    id: Id
    title: str
    language: str = "en"
    revision: int = 0
    """Number of changes so far. A patch brings the next one; who misses one asks for the whole."""
    blocks: list[Block] = []


class PanelPatch(Part):
    """Changes that lead from ``revision - 1`` to `revision`."""

    id: Id
    revision: int
    ops: list[Op]


class PanelEvent(Part):
    """What a person did in a panel."""

    action: Id
    block: str = ""
    row: str = ""
    args: dict[str, JsonValue] = {}
    values: dict[str, JsonValue] = {}
