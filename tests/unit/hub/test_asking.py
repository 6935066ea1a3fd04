"""Asking a model in its panel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import ide_agent.inference
from ide_agent.config import Settings
from ide_agent.errors import EngineError, ModelNotFound, PanelError
from ide_agent.features.hub import asking
from ide_agent.features.hub.active import Activations
from ide_agent.features.hub.asked import preferred
from ide_agent.features.hub.panel import register
from ide_agent.features.hub.pulls import Pulls
from ide_agent.features.hub.service import Hub
from ide_agent.host.services import Services
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels.blocks import FormBlock, ProgressBlock
from support import gguf_file, model_folders
from support.fake_inference import FakeEngine, FakeInference


@pytest.fixture
async def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(ide_agent.inference, "Inference", FakeInference, raising=False)
    return Services(Settings(), [])


@pytest.fixture
async def panel(services: Services, tmp_path: Path) -> AsyncIterator[Panel]:
    """Of a machine with a model that writes text and one that does not."""
    folder = tmp_path / "models"
    (folder / "fake").mkdir(parents=True)
    (folder / "fake" / "m.gguf").write_bytes(gguf_file.file(gguf_file.llama()))
    model_folders.voice(folder / "joe")
    hub = Hub(folder, entries={})
    pulls = Pulls(hub, services)
    register(services, hub, pulls, Activations(services))
    yield await services.panels.open("hub", "en")
    await services.panels.close()
    await pulls.close()


def block(panel: Panel, id: str) -> Any:
    return next((block for block in panel.state.blocks if block.id == id), None)


def engine() -> FakeEngine:
    return FakeInference.current.engine_


def says(*pieces: str, finish: str = "stop") -> list[Any]:
    deltas = [{"choices": [{"delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
    return [*deltas, {"choices": [{"delta": {}, "finish_reason": finish}]}, {"usage": {}}]


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def ask(panel: Panel, question: str = "Why?", model: str = "fake") -> None:
    form = block(panel, "ask")
    assert isinstance(form, FormBlock)
    values = {"question": question, "model": model}
    await panel.act(PanelEvent(action=form.submit.name, block="ask", values=dict(values)))


async def test_those_that_write_text_can_be_asked(panel: Panel) -> None:
    choice = block(panel, "ask").fields[1]
    assert [each.value for each in choice.choices] == ["fake"]
    assert choice.value == "fake"


async def test_without_such_a_model_there_is_no_form(panel: Panel) -> None:
    await panel.act(PanelEvent(action="remove", args={"name": "fake"}))
    assert block(panel, "models").rows  # the voice
    assert block(panel, "ask") is None


async def test_an_answer_grows_and_is_dismissed(panel: Panel) -> None:
    engine().chunks = says("Be", "cause *so*.")
    await ask(panel, "  Why\n*that*? ")
    await until(lambda: block(panel, "answered"))
    assert block(panel, "answer").markdown == "**fake** · Why \\*that\\*?\n\nBecause *so*."
    assert block(panel, "answering") is None
    [(path, payload)] = engine().asked
    assert path == "/v1/chat/completions"
    assert payload is not None
    assert payload["messages"] == [{"role": "user", "content": "Why\n*that*?"}]
    assert (engine().turns, engine().held) == (["api"], 0)
    await panel.act(PanelEvent(action="answered"))
    assert block(panel, "answer") is block(panel, "answered") is None


async def test_an_answer_that_is_cut_off_says_so(panel: Panel) -> None:
    engine().chunks = says("On and on", finish="length")
    await ask(panel)
    await until(lambda: block(panel, "answered"))
    assert block(panel, "answer").markdown.endswith("On and on …")


async def test_silence_is_told(panel: Panel) -> None:
    engine().chunks = says()
    await ask(panel)
    await until(lambda: block(panel, "answered"))
    assert block(panel, "answer").markdown.endswith("The model said nothing\\.")


async def test_it_is_stopped_down_to_the_engine(panel: Panel) -> None:
    engine().chunks = [*says("Well")[:1], None]
    await ask(panel)
    await until(lambda: block(panel, "answer").markdown.endswith("Well"))
    assert isinstance(block(panel, "answering"), ProgressBlock)
    await panel.act(PanelEvent(action="hush"))
    assert engine().cancelled.is_set()
    assert block(panel, "answering") is None
    assert block(panel, "answer").markdown.endswith("Well")


async def test_another_question_ends_the_first(panel: Panel) -> None:
    engine().chunks = [*says("Well")[:1], None]
    await ask(panel)
    await until(lambda: block(panel, "answer").markdown.endswith("Well"))
    engine().chunks = says("Yes.")
    await ask(panel, "Sure?")
    assert engine().cancelled.is_set()
    await until(lambda: block(panel, "answered"))
    assert block(panel, "answer").markdown == "**fake** · Sure?\n\nYes."
    ids = [each.id for each in panel.state.blocks]
    at = ids.index("ask")
    assert ids[at : at + 4] == ["ask", "answer", "answered", "catalogue"]


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (EngineError("error.engine.refused", reason="too long"), "too long"),
        (RuntimeError("internal matters"), "Something went wrong"),
    ],
)
async def test_what_goes_wrong_is_told_below_what_came(
    panel: Panel, failure: Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine().chunks = [*says("Well")[:1], failure]
    await ask(panel)
    await until(lambda: block(panel, "unanswered"))
    problem = block(panel, "unanswered")
    assert problem.level == "error"
    assert told in problem.markdown
    assert block(panel, "answer").markdown.endswith("Well")
    assert "internal matters" not in caplog.text


async def test_two_who_ask_at_once_get_one_answer_that_can_be_stopped(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, gate, looked = asyncio.Event(), asyncio.Event(), 0

    async def reluctant(path: str, payload: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        try:
            yield says("Well")[0]
            await asyncio.Event().wait()
        finally:
            leaving.set()
            await gate.wait()

    def counted(models: Any) -> list[str]:
        nonlocal looked
        looked += 1
        return writers(models)

    writers = asking.writers
    with monkeypatch.context() as patch:
        patch.setattr(engine(), "stream", reluctant)
        await ask(panel)
        await until(lambda: block(panel, "answer").markdown.endswith("Well"))
    monkeypatch.setattr(asking, "writers", counted)
    engine().chunks = [*says("Yes.")[:1], None]
    both = [asyncio.create_task(ask(panel, question)) for question in ("One?", "Two?")]
    await leaving.wait()
    await until(lambda: looked >= 2)
    await asyncio.to_thread(int)
    gate.set()
    await asyncio.gather(*both)
    answers = [f"**fake** · {question}\n\nYes." for question in ("One?", "Two?")]
    await until(lambda: block(panel, "answer").markdown in answers)
    assert engine().held == 1
    await panel.act(PanelEvent(action="hush"))
    assert engine().held == 0
    assert block(panel, "answering") is None


async def test_it_is_stopped_before_it_began(panel: Panel) -> None:
    engine().chunks = [None]
    await ask(panel)  # its task has not run yet
    await panel.act(PanelEvent(action="hush"))
    assert engine().asked == []
    assert block(panel, "answering") is None
    assert block(panel, "answered") is not None


async def test_a_model_that_thinks_says_so_until_it_answers(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates = {kind: asyncio.Event() for kind in ("thinking", "text", "done")}

    async def thinker(*_: Any) -> AsyncIterator[dict[str, Any]]:
        yield {"type": "start", "model": "fake"}
        yield {"type": "of a later version"}
        for event in ({"type": "thinking"}, {"type": "text", "text": "Yes."}, {"type": "done"}):
            await gates[event["type"]].wait()
            yield event

    def detail() -> str:
        return str(block(panel, "answering").detail)

    monkeypatch.setattr(asking, "answer", thinker)
    await ask(panel)
    assert detail() == "it is loaded first where it is not in memory"
    gates["thinking"].set()
    await until(lambda: detail() == "thinks…")
    gates["text"].set()
    await until(lambda: detail() == "")
    gates["done"].set()
    await until(lambda: block(panel, "answered"))
    assert block(panel, "answer").markdown.endswith("Yes.")


@pytest.mark.parametrize("name", ["nobody", "joe", "box/fake", "/etc/passwd"])
async def test_only_those_of_the_form_can_be_asked(panel: Panel, name: str) -> None:
    with pytest.raises(ModelNotFound):
        await ask(panel, model=name)
    assert block(panel, "answering") is block(panel, "answer") is None


async def test_a_model_that_goes_meanwhile(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "writers", lambda models: ["nobody"])
    await ask(panel, model="nobody")
    await until(lambda: block(panel, "unanswered"))
    missing = ModelNotFound(name="nobody").message("en").split("“")[0]
    assert block(panel, "unanswered").markdown.startswith(missing)


@pytest.mark.parametrize("values", [{}, {"question": " ", "model": "fake"}, {"question": "Why?"}])
async def test_a_question_without_a_word_or_a_model_is_refused(panel: Panel, values: dict[str, Any]) -> None:
    with pytest.raises(PanelError):
        await panel.act(PanelEvent(action="ask", values=values))
    assert engine().asked == []


async def test_each_language_has_an_answer_of_its_own(panel: Panel, services: Services) -> None:
    other = await services.panels.open("hub", "tr")
    engine().chunks = says("Yes.")
    await ask(panel)
    await until(lambda: block(panel, "answered"))
    assert block(other, "answer") is None
    assert block(other, "ask").submit.label == "Sor"


@pytest.mark.parametrize(
    ("default", "latest", "first"),
    [
        ("b", "", "b"),
        ("b", "c", "c"),  # activated just now
        ("fills-in", "", "a"),  # the first one that holds conversations
        ("b", "fills-in", "b"),
        ("", "gone", "a"),
    ],
)
def test_the_one_that_was_activated_last_or_the_default_is_asked_first(
    default: str, latest: str, first: str
) -> None:
    models = [
        {"name": name, "kind": "text", "engine": "e", "chat": name != "fills-in"}
        for name in ("fills-in", "a", "b", "c")
    ]
    shown = Panel("hub@en", "Models", "en")
    asking.Asking(None, None).draw(shown, models, default, latest)  # type: ignore[arg-type]
    assert block(shown, "ask").fields[1].value == first


def test_where_nobody_holds_conversations_the_default_is_asked() -> None:
    models = [{"name": name, "kind": "text", "engine": "e", "chat": False} for name in ("a", "b")]
    assert preferred(models, "b", "") == "b"
