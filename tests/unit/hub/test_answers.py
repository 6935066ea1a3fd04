"""Questions to a model: what it gets, and what is told of its answer."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import ide_agent.inference
from ide_agent.config import Settings
from ide_agent.errors import EngineCrashed, ModelError, ModelNotFound, from_wire
from ide_agent.features.hub.answers import Question, answer
from ide_agent.features.hub.service import Hub
from ide_agent.host.services import Services
from ide_agent.inference.chosen import choose
from ide_agent.inference.models import ModelStore
from support import gguf_file, model_folders
from support.fake_inference import FakeEngine, FakeInference

CHAT: list[dict[str, Any]] = [
    {"choices": [{"delta": {"role": "assistant"}}]},
    {"choices": [{"delta": {"content": "It is "}}]},
    {"choices": [{"delta": {"content": "Paris."}, "finish_reason": None}]},
    {"choices": [{"delta": {}, "finish_reason": "length"}]},
    {"choices": [], "usage": {}},
]


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(ide_agent.inference, "Inference", FakeInference, raising=False)
    return Services(Settings(), [])


def engine(
    services: Services, folder: Path, keys: dict[str, Any] | None = None, *, template: bool = True
) -> FakeEngine:
    """The only model that there is."""
    file = folder / "models" / "fake" / "m.gguf"
    file.parent.mkdir(parents=True)
    chat = {"tokenizer.chat_template": "{{ messages }}"} if template else {}
    file.write_bytes(gguf_file.file({**gguf_file.llama(), **chat, **(keys or {})}))
    assert isinstance(services.inference, FakeInference)
    found = services.inference.engine_
    found.model = ModelStore(folder / "models").find("fake")
    found.chats = template
    return found


async def asked(services: Services, text: str, **more: Any) -> list[dict[str, Any]]:
    return [event async for event in answer(services, Hub(), Question(text=text, **more))]


async def test_a_chat_model_gets_messages(services: Services, tmp_path: Path) -> None:
    model = engine(services, tmp_path)
    model.chunks = [*CHAT]
    assert await asked(services, "Where?", system="Be short.", max_tokens=9) == [
        {"type": "start", "model": "fake"},
        {"type": "text", "text": "It is "},
        {"type": "text", "text": "Paris."},
        {"type": "done", "finish_reason": "length"},
    ]
    messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Where?"}]
    ((path, payload),) = model.asked
    assert path == "/v1/chat/completions"
    assert payload == {
        "messages": messages,
        "chat_template_kwargs": {"enable_thinking": False},
        "max_tokens": 9,
        "stream": True,
    }
    assert model.open_when_asked == [1]


async def test_an_api_is_asked_in_the_common_dialect(services: Services, tmp_path: Path) -> None:
    model = engine(services, tmp_path)
    model.dialect = "openai"
    await asked(services, "Where?")
    assert model.asked[0][1] is not None
    assert model.asked[0][1].keys() == {"messages", "max_tokens", "stream"}


@pytest.mark.parametrize("chunks", [[], [{"choices": [{"delta": {}, "finish_reason": "stop"}]}]])
async def test_who_says_nothing_is_named_all_the_same(
    services: Services, tmp_path: Path, chunks: list[dict[str, Any]]
) -> None:
    engine(services, tmp_path).chunks = [*chunks]
    assert await asked(services, "Where?") == [
        {"type": "start", "model": "fake"},
        {"type": "done", "finish_reason": "stop"},
    ]


@pytest.mark.parametrize(
    "deltas",
    [
        [{"reasoning_content": "Hm. "}, {"reasoning_content": "France?"}, {"content": "Paris."}],
        [{"reasoning": "Hm."}, {"content": "Paris."}],
        [{"content": "<think>Hm. "}, {"content": "France?</think>\n\nParis."}],
    ],
)
async def test_that_it_thinks_is_told_but_not_what(
    services: Services, tmp_path: Path, deltas: list[dict[str, str]]
) -> None:
    engine(services, tmp_path).chunks = [{"choices": [{"delta": delta}]} for delta in deltas]
    assert await asked(services, "Where?") == [
        {"type": "start", "model": "fake"},
        {"type": "thinking"},
        {"type": "text", "text": "Paris."},
        {"type": "done", "finish_reason": "stop"},
    ]


@pytest.mark.parametrize(
    ("deltas", "events"),
    [
        (["Hm. <b", "</think>\n\nParis."], [{"type": "thinking"}, {"type": "text", "text": "Paris."}]),
        (["Paris", "."], [{"type": "thinking"}, {"type": "text", "text": "Paris."}]),
    ],
)
async def test_an_answer_may_go_on_with_a_thought_that_its_prompt_began(
    services: Services, tmp_path: Path, deltas: list[str], events: list[dict[str, str]]
) -> None:
    model = engine(services, tmp_path)
    model.opens_thought = True
    model.chunks = [{"choices": [{"delta": {"content": text}}]} for text in deltas]
    assert (await asked(services, "Where?"))[1:-1] == events


async def test_what_only_looks_like_a_thought_is_the_answer(services: Services, tmp_path: Path) -> None:
    engine(services, tmp_path).chunks = [{"choices": [{"delta": {"content": "<thin"}}]}]
    assert (await asked(services, "Where?"))[1:-1] == [{"type": "text", "text": "<thin"}]


async def test_a_base_model_gets_a_text_to_go_on_with(services: Services, tmp_path: Path) -> None:
    model = engine(services, tmp_path, template=False)
    model.chunks = [{"choices": [{"text": " Paris", "finish_reason": "stop"}]}]
    events = await asked(services, "Where?", system="Be short.", model="fake")
    assert events[1:] == [{"type": "text", "text": " Paris"}, {"type": "done", "finish_reason": "stop"}]
    ((path, payload),) = model.asked
    assert payload is not None
    assert path == "/v1/completions"
    assert payload["prompt"] == "Be short.\n\nQuestion: Where?\nAnswer:"
    assert "\nQuestion:" in payload["stop"]


async def test_a_rule_for_chats_chooses_and_limits(services: Services, tmp_path: Path) -> None:
    model = engine(services, tmp_path)
    model.chunks = [*CHAT]
    services.routing.file.parent.mkdir(parents=True, exist_ok=True)
    rule = "rules:\n  - name: r\n    when: {task: chat, message: Where}\n    model: gone\n"
    services.routing.file.write_text(f"{rule}    fallbacks: [fake]\n    limits: {{max_tokens: 7}}\n")
    assert (await asked(services, "Where?", model="auto"))[0] == {
        "type": "start",
        "model": "fake",
        "rule": "r",
        "file": "routes.yaml",
        "line": 2,
    }
    assert model.asked[0][1] is not None
    assert model.asked[0][1]["max_tokens"] == 7


async def test_a_rule_that_leads_nowhere_is_named(services: Services, tmp_path: Path) -> None:
    engine(services, tmp_path)
    services.routing.file.parent.mkdir(parents=True, exist_ok=True)
    services.routing.file.write_text("rules:\n  - name: r\n    when: {task: chat}\n    model: minilm\n")
    with pytest.raises(ModelNotFound) as caught:
        await asked(services, "Where?")
    places = {"en": "The rule “r” (routes.yaml, line 2)", "tr": "“r” kuralı (routes.yaml, satır 2)"}
    for language, place in places.items():
        said = from_wire(caught.value.as_wire()).message(language)
        assert said.startswith(place)
        assert "ide-agent models pull minilm. " in said and "ide-agent routes show" in said
    services.routing.file.write_text("rules:\n  - name: r\n    model: cloud/x\n")
    with pytest.raises(ModelNotFound) as caught:
        await asked(services, "Where?", privacy="private")
    said = str(caught.value)
    assert "the rule “r” (routes.yaml, line 2)" in said and "ide-agent routes test --private" in said
    await asked_of(services, "fake")  # by its name, which goes by no rule


async def asked_of(services: Services, model: str) -> None:
    assert (await asked(services, "Where?", model=model))[0] == {"type": "start", "model": model}


async def test_without_a_rule_one_that_holds_conversations_is_asked(
    services: Services, tmp_path: Path
) -> None:
    chats = engine(services, tmp_path)
    base = tmp_path / "models" / "base" / "m.gguf"
    base.parent.mkdir(parents=True)
    fills_in = {f"tokenizer.ggml.fim_{part}_token_id": 3 for part in ("pre", "suf", "mid")}
    base.write_bytes(gguf_file.file({**gguf_file.llama(), **fills_in}))
    choose(tmp_path / "models", "text", "base")  # fills in the middle, and no more
    assert services.models.find().name == "base"
    chats.chunks = [*CHAT]
    assert (await asked(services, "Where?"))[0] == {"type": "start", "model": "fake"}


async def test_what_is_private_stays_here(services: Services, tmp_path: Path) -> None:
    here = engine(services, tmp_path)
    here.chunks = [*CHAT]
    services.routing.file.parent.mkdir(parents=True, exist_ok=True)
    rule = "rules:\n  - name: r\n    when: {privacy: private}\n    model: fake\n    limits: {max_tokens: 7}\n"
    services.routing.file.write_text(rule)
    with pytest.raises(ModelNotFound) as refused:
        await asked(services, "Where?", model="api/m", privacy="private")
    assert refused.value.key_used == "error.routes.private"
    assert here.asked == []
    await asked(services, "Where?", privacy="private")
    await asked(services, "Where?")
    assert [payload["max_tokens"] for _, payload in here.asked if payload] == [7, 1024]


@pytest.mark.parametrize("more", [{"private": True}, {"privacy": "secret"}, {"ide_agent": {}}])
def test_what_it_does_not_know_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Question(text="Where?", **more)


async def test_who_writes_no_text_is_refused_before_it_is_loaded(services: Services, tmp_path: Path) -> None:
    model = engine(services, tmp_path, {"llama.pooling_type": 1})
    with pytest.raises(ModelError) as vectors:
        await asked(services, "Where?", model="fake")
    model_folders.voice(tmp_path / "models" / "joe")
    with pytest.raises(ModelError) as speech:
        await asked(services, "Where?", model="joe")
    assert [each.value.key_used for each in (vectors, speech)] == [
        "error.model.for_vectors",
        "error.model.for_speech",
    ]
    assert (model.asked, model.held) == ([], 0)


async def test_without_a_model_it_says_what_to_get(services: Services) -> None:
    with pytest.raises(ModelNotFound) as refused:
        await asked(services, "Where?")
    assert "ide-agent models pull starter" in refused.value.message("en")


async def test_a_model_of_the_catalogue_has_to_be_pulled_first(services: Services) -> None:
    for name, said in (("Starter", "ide-agent models pull starter"), ("zzz", "ide-agent models list")):
        with pytest.raises(ModelNotFound) as refused:
            await asked(services, "Where?", model=name)
        assert said in refused.value.message("tr")


async def test_what_goes_wrong_half_way_is_raised(services: Services, tmp_path: Path) -> None:
    engine(services, tmp_path).chunks = [CHAT[1], EngineCrashed(model="fake", reason="r")]
    events: list[dict[str, Any]] = []
    with pytest.raises(EngineCrashed):
        async for event in answer(services, Hub(), Question(text="Where?")):
            events.append(event)
    assert events[-1] == {"type": "text", "text": "It is "}


async def test_who_leaves_stops_the_model(services: Services, tmp_path: Path) -> None:
    model = engine(services, tmp_path)
    model.chunks = [CHAT[1], None]
    async with aclosing(answer(services, Hub(), Question(text="Where?"))) as events:
        assert (await anext(events))["type"] == "start"
        assert (await anext(events))["type"] == "text"
        assert model.held == 1
    assert (model.held, model.open) == (0, 0)
