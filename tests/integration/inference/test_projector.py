"""What lies beside a model when it is loaded: its projector, which may come, go, or be of no use."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from ide_agent.errors import EngineStartError, ModelError
from ide_agent.inference.engine import Engine
from ide_agent.inference.service import Inference
from support import gguf_file
from support.fake_engine import FakeBackend
from support.projector_file import COLOURS, picture

CHAT = "/v1/chat/completions"


@pytest.fixture(autouse=True)
def projector(models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One that fits the model, beside it."""
    monkeypatch.setattr(FakeBackend, "projectors", True)
    file = models / "tiny" / "mmproj-a.gguf"
    file.write_bytes(gguf_file.file({"general.architecture": "clip", "clip.vision.projection_dim": 64}))
    return file


async def show(engine: Engine) -> Any:
    part = {"type": "image_url", "image_url": {"url": picture(COLOURS["red"])}}
    return await engine.request("POST", CHAT, {"messages": [{"role": "user", "content": [part]}]})


async def test_it_is_noticed_when_it_goes_and_comes(
    inference: Inference, backend: FakeBackend, projector: Path
) -> None:
    first = await inference.engine("tiny")
    assert "echo" in await show(first)
    assert await inference.engine("tiny") is first
    content = projector.read_bytes()
    projector.unlink()
    blind = await inference.engine("tiny")
    assert blind is not first
    with pytest.raises(ModelError) as caught:
        await show(blind)
    assert caught.value.key_used == "error.model.no_eyes"
    projector.write_bytes(content)
    assert "echo" in await show(await inference.engine("tiny"))
    assert (backend.count, len(inference.snapshot())) == (3, 1)


async def test_a_model_is_rather_loaded_without_it_than_not_at_all(
    inference: Inference, backend: FakeBackend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.flaw = lambda count: "refuses-model" if count == 1 else ""
    with caplog.at_level(logging.WARNING):
        engine = await inference.engine("tiny")
    assert "could not be loaded with its projector" in caplog.text
    assert await engine.request("POST", "/x", {}) == {"echo": {}}
    with pytest.raises(ModelError) as caught:
        await show(engine)
    assert caught.value.key_used == "error.model.blinded"
    assert caught.value.message("tr") != caught.value.message("en")
    assert backend.count == 2


async def test_what_is_wrong_with_the_model_itself_is_an_error_as_before(
    inference: Inference, backend: FakeBackend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.flaw = lambda count: "refuses-model" if count == 1 else "dies-early"
    with caplog.at_level(logging.WARNING), pytest.raises(EngineStartError, match="error 42"):
        await inference.engine("tiny")
    assert "projector" not in caplog.text
    assert backend.count == 2
