from __future__ import annotations

from pathlib import Path

import pytest

from ide_agent.editor import settings
from ide_agent.editor.server import EditorServer
from ide_agent.errors import IdeAgentError
from ide_agent.features.completion import activity
from ide_agent.features.completion import service as service_module
from ide_agent.features.completion.generation import Generation
from ide_agent.features.completion.service import CompletionService
from support.editor import PATIENCE
from support.fake_host import FakeHost
from support.scripted_model import Model
from support.voice import Voice


@pytest.fixture
async def voice(host: FakeHost) -> Voice:
    """Its model."""
    return Voice(host)


@pytest.fixture
async def server(home: Path, host: FakeHost, voice: Voice, monkeypatch: pytest.MonkeyPatch) -> EditorServer:
    """A server with the built-in features, which uses `host`."""
    monkeypatch.setattr(settings, "_ANSWER_SECONDS", PATIENCE)  # a slow test is no silent client
    address = await host.start()
    return EditorServer(lambda timeout: address)


@pytest.fixture
def model() -> Model:
    """A model that says what the test makes it say."""
    return Model()


@pytest.fixture
def errors() -> list[IdeAgentError]:
    """What went wrong with the suggestions of `service`."""
    return []


@pytest.fixture
def service(model: Model, errors: list[IdeAgentError], monkeypatch: pytest.MonkeyPatch) -> CompletionService:
    """The completion policy, which asks `model`. It waits for ever where it waits."""
    monkeypatch.setattr(service_module, "_PATIENCE_S", None)

    def ended(generation: Generation) -> None:
        if generation.error is not None:
            errors.append(generation.error)

    return CompletionService(model, ended)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a client takes to ask again, it is in time."""
    monkeypatch.setattr(activity, "GRACE_S", 3600.0)
