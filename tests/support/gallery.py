"""A plugin with two panels: `gallery` has blocks of every kind, the texts of `hostile` try to run script."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import zlib

from ide_agent.errors import PanelError
from ide_agent.hooks import hookimpl
from ide_agent.host.services import Services
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels.blocks import (
    Action,
    ActionsBlock,
    Block,
    Box,
    ChartBlock,
    Choice,
    CodeBlock,
    Column,
    DiffBlock,
    FormBlock,
    FormField,
    ImageBlock,
    LogBlock,
    ProgressBlock,
    Row,
    Series,
    TableBlock,
    TextBlock,
)

STORM = 300
PATCH = """--- a/shop/prices.py
+++ b/shop/prices.py
@@ -1,5 +1,6 @@
 def total(prices):
-    sum = 0
-    for p in prices:
-        sum = sum + p
-    return sum
+    \"\"\"What all of it costs.\"\"\"
+    return sum(prices)
+
+
+TAX = 0.2
"""
ATTACK = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    "[a](javascript:document.title='owned') [b](command:workbench.action.quit)"
    " ![c](http://127.0.0.1:9/c.png) <svg onload=\"document.title='owned'\"> </code></pre></td></table>"
)


def picture(width: int = 320, height: int = 160) -> str:
    """A PNG of a gradient as a ``data:`` URI."""
    rows = (
        b"\0" + b"".join(bytes((x * 255 // width, y * 255 // height, 160)) for x in range(width))
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"".join(rows)))
    return "data:image/png;base64," + base64.b64encode(png + chunk(b"IEND", b"")).decode()


def blocks() -> list[Block]:
    """One of each kind at least."""
    return [
        TextBlock(
            id="about",
            markdown="# Models\nWhat runs **here**, with `code`, a [link](https://example.org/) and\n\n"
            "- a list\n- of things\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nfenced\n```",
        ),
        TextBlock(id="done", markdown="The model is here.", level="success"),
        TextBlock(id="careful", markdown="The disk is almost full.", level="warning"),
        TextBlock(id="wrong", markdown="The download **failed**.", level="error"),
        TableBlock(
            id="models",
            title="On this machine",
            columns=[
                Column(key="name", label="Name"),
                Column(key="size", label="Size", align="end"),
                Column(key="state", label="State"),
            ],
            rows=[
                Row(
                    id=name,
                    cells={"name": name, "size": size, "state": "ready"},
                    actions=[
                        Action(name="greet", label="Use", style="primary", args={"name": name}),
                        Action(name="remove", label="Remove", style="danger", confirm=f"Remove {name}?"),
                    ],
                )
                for name, size in (("starter", "92 MB"), ("qwen-coder", "1.1 GB"))
            ],
        ),
        TableBlock(
            id="nothing", title="Running", columns=[Column(key="a", label="A")], rows=[], empty="None runs."
        ),
        ProgressBlock(
            id="pull",
            label="qwen-coder",
            percent=42,
            detail="462 MB of 1.1 GB · 12 MB/s",
            actions=[Action(name="greet", label="Stop")],
        ),
        ProgressBlock(id="search", label="Looking for models"),
        FormBlock(
            id="form",
            title="A new rule",
            fields=[
                FormField(name="name", label="Name", required=True, hint="As it will stand in the list."),
                FormField(name="key", label="Key", kind="secret"),
                FormField(name="size", label="Longest prompt", kind="number", value=1024.0),
                FormField(
                    name="model",
                    label="Model",
                    kind="choice",
                    value="b",
                    choices=[Choice(value="a", label="starter"), Choice(value="b", label="qwen-coder")],
                ),
                FormField(name="on", label="In force", kind="check", value=True),
                FormField(name="globs", label="Files", kind="lines", value="*.py\n*.ts"),
            ],
            submit=Action(name="submit", label="Add", style="primary"),
        ),
        ChartBlock(
            id="chart",
            title="Loss",
            x_label="step",
            y_label="loss",
            series=[
                Series(label="training", points=[(x, 4 / (1 + x / 10)) for x in range(60)]),
                Series(label="evaluation", points=[(x, 4.4 / (1 + x / 12)) for x in range(0, 60, 10)]),
            ],
        ),
        ImageBlock(
            id="image",
            source=picture(),
            alt="A gradient from black to pink",
            boxes=[
                Box(x=40, y=40, width=100, height=70, label="button"),
                Box(x=200, y=8, width=60, height=60),
            ],
        ),
        CodeBlock(
            id="code",
            title="prices.py",
            language="python",
            text="def total(prices):\n    return sum(prices)\n",
            actions=[Action(name="greet", label="Insert")],
        ),
        DiffBlock(
            id="diff",
            path="shop/prices.py",
            patch=PATCH,
            actions=[
                Action(name="greet", label="Apply", style="primary"),
                Action(name="greet", label="Reject", args={"no": True}),
            ],
        ),
        LogBlock(id="log", title="What happened", text="started\n"),
        ActionsBlock(
            id="actions",
            actions=[
                Action(name="greet", label="Greet", style="primary", args={"whom": "you"}),
                Action(name="fail", label="Fail"),
                Action(name="storm", label="Storm"),
                Action(name="greet", label="Not now", enabled=False),
            ],
        ),
    ]


def hostile() -> list[Block]:
    """`ATTACK` wherever text may stand."""
    action = Action(name="greet", label=ATTACK, confirm=ATTACK)
    point = [(0.0, 1.0), (1.0, 2.0)]
    return [
        TextBlock(id="text", markdown=ATTACK + "\n\n" + ATTACK, level="error"),
        CodeBlock(id="code", text=ATTACK, language=ATTACK, title=ATTACK, actions=[action]),
        DiffBlock(
            id="diff",
            path=ATTACK,
            patch=f"--- {ATTACK}\n+++ {ATTACK}\n@@ -1,2 +1,2 @@ {ATTACK}\n-{ATTACK}\n+!{ATTACK}\n",
        ),
        DiffBlock(id="no-diff", path=ATTACK, patch=ATTACK),
        TableBlock(
            id="table",
            title=ATTACK,
            columns=[Column(key="a", label=ATTACK), Column(key="b", label=ATTACK)],
            rows=[Row(id="row", cells={"a": ATTACK, "b": ATTACK}, actions=[action])],
        ),
        TableBlock(id="empty", columns=[], rows=[], empty=ATTACK),
        FormBlock(
            id="form",
            title=ATTACK,
            fields=[
                FormField(name="text", label=ATTACK, hint=ATTACK, value=ATTACK),
                FormField(
                    name="choice", label=ATTACK, kind="choice", choices=[Choice(value=ATTACK, label=ATTACK)]
                ),
                FormField(name="check", label=ATTACK, kind="check"),
                FormField(name="lines", label=ATTACK, kind="lines", value=ATTACK),
            ],
            submit=action,
        ),
        ProgressBlock(id="progress", label=ATTACK, percent=1, detail=ATTACK),
        ChartBlock(
            id="chart",
            title=ATTACK,
            x_label=ATTACK,
            y_label=ATTACK,
            series=[Series(label=ATTACK, points=point)],
        ),
        ImageBlock(
            id="image",
            source=picture(8, 8),
            alt=ATTACK,
            boxes=[Box(x=1, y=1, width=2, height=2, label=ATTACK)],
        ),
        LogBlock(id="log", title=ATTACK, text=ATTACK),
        ActionsBlock(id="actions", actions=[action]),
    ]


async def _gallery(panel: Panel) -> None:
    panel.set(*blocks())

    async def greet(event: PanelEvent) -> str:
        return f"Hello from {event.action}: {json.dumps(event.model_dump(), sort_keys=True)}"

    async def remove(event: PanelEvent) -> None:
        [table] = [each for each in panel.state.blocks if each.id == event.block]
        assert isinstance(table, TableBlock)
        panel.set(table.model_copy(update={"rows": [row for row in table.rows if row.id != event.row]}))

    async def fail(event: PanelEvent) -> None:
        raise PanelError("error.panel.action", action="fail")

    async def storm(event: PanelEvent) -> None:
        panel.spawn(_storm(panel))

    async def again(event: PanelEvent) -> None:
        panel.set(*blocks())

    async def grow(event: PanelEvent) -> None:
        panel.append(str(event.args["id"]), str(event.args["text"]))

    async def rows(event: PanelEvent) -> None:
        named = [
            Row(id=f"m{number}", cells={"name": f"m{number}"}) for number in range(int(event.args["count"]))
        ]
        table = next(each for each in panel.state.blocks if each.id == "models")
        panel.set(table.model_copy(update={"rows": named}))

    for handler in (greet, remove, fail, storm, again, grow, rows):
        panel.on(handler.__name__, handler)
    panel.on("submit", greet)


async def _storm(panel: Panel) -> None:
    """100 patches a second."""
    for number in range(1, STORM + 1):
        with panel.together():
            panel.append("log", f"line {number}\n")
            panel.set(ProgressBlock(id="pull", label="qwen-coder", percent=number * 100 / STORM))
        await asyncio.sleep(0.01)


async def _hostile(panel: Panel) -> None:
    async def greet(event: PanelEvent) -> str:
        return ATTACK

    panel.set(*hostile())
    panel.on("greet", greet)


@hookimpl
def register_host(services: Services) -> None:
    """Offer both."""
    services.panels.offer("gallery", "Gallery", _gallery)
    services.panels.offer("hostile", ATTACK, _hostile)
