"""Pictures for a real engine behind the gateway.

Its projector is made by hand: colours become the model's own words for them. That proves the way of a picture
into the model, not that a model understands pictures.
"""

from __future__ import annotations

import base64
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from ide_agent.paths import models_dir
from ide_agent.runtime import RuntimeInfo, call, ensure_host
from support.host_process import clean_home
from support.projector_file import COLOURS, picture, write_projector

pytestmark = pytest.mark.engine

PNG = "data:image/png;base64,"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds two models, one of which sees; what `ffprobe` would be asked for is noted there."""
    folder = tmp_path_factory.mktemp("pictures")
    (starter,) = (models_dir() / "starter").glob("*.gguf")
    for name in ("sees", "blind"):
        (folder / "models" / name).mkdir(parents=True)
        (folder / "models" / name / starter.name).symlink_to(starter)
    write_projector(folder / "models" / "sees" / "mmproj-colours.gguf", starter)
    (folder / "bin").mkdir()
    probe = folder / "bin" / "ffprobe"
    probe.write_text(f"#!/bin/sh\n: > {folder}/probed\n")
    probe.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def info(folder: Path) -> Iterator[RuntimeInfo]:
    with pytest.MonkeyPatch.context() as patch, clean_home(folder / "home"):
        patch.setenv("IDE_AGENT_HOME", str(folder / "home"))
        patch.setenv("IDE_AGENT_MODELS", str(folder / "models"))
        patch.setenv("PATH", str(folder / "bin"), prepend=os.pathsep)
        yield ensure_host(60)


@pytest.fixture(scope="module")
def client(info: RuntimeInfo) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{info.url}/v1", api_key=info.token, max_retries=0) as client:
        yield client


def asks(url: str, **more: Any) -> dict[str, Any]:
    content = [
        {"type": "text", "text": "The colour of the picture is"},
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": " What is the colour of the picture? Answer in one word."},
    ]
    messages = [{"role": "user", "content": content}]
    return {"model": "sees", "messages": messages, "max_tokens": 12, "temperature": 0, **more}


def named(text: str) -> list[str]:
    return [colour for colour in COLOURS if colour in text.lower()]


@pytest.mark.parametrize("colour", COLOURS)
def test_what_a_picture_shows_is_said(client: openai.OpenAI, colour: str) -> None:
    asked = asks(picture(COLOURS[colour], side=40))
    whole = client.chat.completions.create(**asked).choices[0].message.content or ""
    assert named(whole) == [colour]
    chunks = client.chat.completions.create(**asked, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole


def test_it_writes_text_as_before(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"prompt": "def add(a, b):\n    return", "max_tokens": 6, "temperature": 0}
    texts = [
        client.completions.create(model=name, **asked).choices[0].text for name in ("sees", "blind", "sees")
    ]
    assert texts[0] == texts[1] == texts[2] != ""


def test_the_plan_counts_what_it_sees_with(info: RuntimeInfo, client: openai.OpenAI) -> None:
    for name in ("sees", "blind"):
        client.completions.create(model=name, prompt="x", max_tokens=1)
    rows = {each["name"]: each for each in call(info, "GET", "/models/running")["models"]}
    assert rows["sees"]["bytes"] > rows["blind"]["bytes"]
    assert rows["sees"]["engine"] == "xllamacpp"


def refused(client: openai.OpenAI, **asked: Any) -> dict[str, Any]:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**asked)
    assert isinstance(caught.value.body, dict)
    return caught.value.body


@pytest.mark.parametrize("stream", [True, False])
def test_a_model_without_eyes_says_so(client: openai.OpenAI, stream: bool) -> None:
    url = picture(COLOURS["red"])
    error = refused(client, **asks(url, model="blind", stream=stream))
    assert (error["code"], error["params"]) == ("error.model.no_eyes", {"name": "blind"})


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", ["sees", "blind"])
def test_nothing_is_fetched(client: openai.OpenAI, folder: Path, model: str, stream: bool) -> None:
    (folder / "a.png").write_bytes(base64.b64decode(picture(COLOURS["red"]).removeprefix(PNG)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for url in (f"http://127.0.0.1:{port}/a.png", f"file://{folder}/a.png"):
            error = refused(client, **asks(url, model=model, stream=stream))
            assert (error["code"], error["params"]["address"]) == ("error.picture.elsewhere", url)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_what_is_no_picture_starts_no_other_program(client: openai.OpenAI, folder: Path) -> None:
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 8, 8)
    damaged = base64.b64encode(header + b"#EXTM3U\n" * 9).decode()
    error = refused(client, **asks(PNG + damaged))
    assert error["code"] == "error.engine.refused"
    assert not (folder / "probed").exists()
    answer = client.chat.completions.create(**asks(picture(COLOURS["blue"])))
    assert named(answer.choices[0].message.content or "") == ["blue"]
