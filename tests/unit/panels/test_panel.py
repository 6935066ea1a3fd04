"""A panel and those who look at it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.errors import ModelNotFound, PanelError
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels import panel as panel_module
from ide_agent.panels.blocks import Action, Block, FormBlock, FormField, LogBlock, ProgressBlock, TextBlock


def text(id: str, markdown: str = "") -> TextBlock:
    return TextBlock(id=id, markdown=markdown)


@pytest.fixture
def panel() -> Panel:
    return Panel("hub@en", "Models", "en")


def ids(panel: Panel) -> list[str]:
    return [block.id for block in panel.state.blocks]


def test_new_blocks_go_to_the_end_or_before_another(panel: Panel) -> None:
    panel.set(text("a"), text("c"))
    panel.set(text("b"), before="c")
    panel.set(text("d"), before="gone")
    assert ids(panel) == ["a", "b", "c", "d"]
    panel.set(text("c", "new"), before="a")  # it keeps its place
    assert ids(panel) == ["a", "b", "c", "d"]
    assert panel.state.blocks[2] == text("c", "new")


def test_what_is_as_it_was_is_no_change(panel: Panel) -> None:
    panel.set(text("a", "x"))
    assert panel.state.revision == 1
    panel.set(text("a", "x"))
    panel.remove("gone")
    with panel.together():
        pass
    assert panel.state.revision == 1


def test_text_grows_and_other_blocks_do_not(panel: Panel) -> None:
    panel.set(text("a", "x"), LogBlock(id="log"), ProgressBlock(id="p", label="x"))
    panel.append("a", "y")
    panel.append("log", "line\n")
    assert panel.state.blocks[:2] == [text("a", "xy"), LogBlock(id="log", text="line\n")]
    for id in ("p", "gone"):
        with pytest.raises(KeyError):
            panel.append(id, "y")


def test_a_log_keeps_its_end_only(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_module, "_LONGEST_LOG", 8)
    panel.set(LogBlock(id="log"))
    panel.append("log", "123456")
    panel.append("log", "789abc")
    assert panel.state.blocks == [LogBlock(id="log", text="56789abc")]


async def test_viewers_see_the_whole_then_each_change(panel: Panel) -> None:
    panel.set(text("a"))
    async with aclosing(panel.watch()) as events:
        shown = await anext(events)
        assert shown == {"type": "show", "panel": panel.state.model_dump(mode="json")}
        assert panel.viewers == 1
        with panel.together():
            panel.set(text("b"))
            panel.rename("Other")
            panel.remove("a")
        patch = (await anext(events))["patch"]
        assert patch["revision"] == shown["panel"]["revision"] + 1
        assert [op["op"] for op in patch["ops"]] == ["set", "title", "remove"]
    assert panel.viewers == 0


async def test_who_does_not_keep_up_is_shown_the_whole(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_module, "_BACKLOG", 4)
    panel.set(text("a"))
    async with aclosing(panel.watch()) as slow, aclosing(panel.watch()) as quick:
        await anext(slow)
        await anext(quick)
        for _ in range(20):
            panel.append("a", "x")
            assert (await anext(quick))["type"] == "patch"
        late = await anext(slow)
        assert late["type"] == "show"
        assert late["panel"]["blocks"][0]["markdown"] == "x" * 20
        panel.append("a", "y")
        assert (await anext(slow))["patch"]["revision"] == late["panel"]["revision"] + 1


async def test_an_action_is_done_and_answered(panel: Panel) -> None:
    seen: list[PanelEvent] = []

    async def handler(event: PanelEvent) -> str:
        seen.append(event)
        return "done"

    async def silent(event: PanelEvent) -> None:
        raise ModelNotFound(name="x")

    panel.on("go", handler)
    panel.on("fail", silent)
    event = PanelEvent(action="go", row="r", args={"a": 1})
    assert await panel.act(event) == "done"
    assert seen == [event]
    with pytest.raises(ModelNotFound):
        await panel.act(PanelEvent(action="fail"))
    with pytest.raises(PanelError) as caught:
        await panel.act(PanelEvent(action="unknown"))
    assert "unknown" in str(caught.value)


@pytest.mark.parametrize("given", [{}, {"n": ""}, {"n": " \t\n"}, {"n": None}, {"n": False}])
async def test_what_a_form_needs_must_be_there(panel: Panel, given: dict[str, Any]) -> None:
    async def handler(event: PanelEvent) -> str:
        return str(event.values["n"])

    fields = [FormField(name="n", label="Ad", required=True), FormField(name="other", label="Other")]
    panel.set(FormBlock(id="f", fields=fields, submit=Action(name="save", label="Save")))
    panel.on("save", handler)
    with pytest.raises(PanelError, match="“Ad” was left empty"):
        await panel.act(PanelEvent(action="save", values=given))
    assert await panel.act(PanelEvent(action="save", values={"n": 0})) == "0"


async def test_closing_ends_its_work_and_its_viewers(panel: Panel) -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    panel.spawn(work())
    events = panel.watch()
    await anext(events)
    await asyncio.sleep(0)
    await panel.close()
    assert ended.is_set()
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    late = panel.watch()
    assert (await anext(late))["type"] == "show"
    with pytest.raises(StopAsyncIteration):
        await anext(late)


async def test_nothing_begins_in_a_closed_panel(panel: Panel) -> None:
    begun: list[bool] = []

    async def work() -> None:
        begun.append(True)

    await panel.close()
    task = panel.spawn(work())
    await asyncio.wait([task])
    assert task.cancelled()
    assert begun == []


async def test_work_that_fails_is_logged_without_its_text(
    panel: Panel, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        raise ValueError("somebody's code")

    panel.spawn(work())
    async with asyncio.timeout(30):
        while "ValueError" not in caplog.text:
            await asyncio.sleep(0.001)
    assert "somebody" not in caplog.text


def apply(state: dict[str, Any], patch: dict[str, Any]) -> None:
    """What docs/protocol.md tells a client to do."""
    assert patch["revision"] == state["revision"] + 1
    state["revision"] = patch["revision"]
    blocks: list[dict[str, Any]] = state["blocks"]
    for op in patch["ops"]:
        if op["op"] == "title":
            state["title"] = op["title"]
        elif op["op"] == "remove":
            blocks[:] = [block for block in blocks if block["id"] != op["id"]]
        elif op["op"] == "append":
            [block] = [block for block in blocks if block["id"] == op["id"]]
            block["markdown"] += op["text"]
        else:
            at = [number for number, block in enumerate(blocks) if block["id"] == op["block"]["id"]]
            before = [number for number, block in enumerate(blocks) if block["id"] == op["before"]]
            if at:
                blocks[at[0]] = op["block"]
            else:
                blocks.insert(before[0] if before else len(blocks), op["block"])


_NAMES = st.sampled_from("abcd")
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), _NAMES, st.text(max_size=3), st.sampled_from(["", "a", "b", "z"])),
        st.tuples(st.just("append"), _NAMES, st.text(max_size=3), st.just("")),
        st.tuples(st.just("remove"), _NAMES, st.just(""), st.just("")),
        st.tuples(st.just("rename"), _NAMES, st.text(max_size=3), st.just("")),
    ),
    max_size=30,
)


@given(_STEPS, st.booleans())
def test_a_client_that_follows_the_patches_has_the_panel(
    steps: list[tuple[str, str, str, str]], together: bool
) -> None:
    async def follow() -> None:
        panel = Panel("p@en", "t", "en")
        async with aclosing(panel.watch()) as events:
            state = (await anext(events))["panel"]
            if together:
                with panel.together():
                    change(panel, steps)
            else:
                change(panel, steps)
            while state["revision"] < panel.state.revision:
                apply(state, (await anext(events))["patch"])
            assert state == panel.state.model_dump(mode="json")

    asyncio.run(follow())


def change(panel: Panel, steps: list[tuple[str, str, str, str]]) -> None:
    for kind, id, words, before in steps:
        known: dict[str, Block] = {block.id: block for block in panel.state.blocks}
        if kind == "set":
            panel.set(text(id, words), before=before)
        elif kind == "append" and id in known:
            panel.append(id, words)
        elif kind == "remove":
            panel.remove(id)
        elif kind == "rename":
            panel.rename(words)
