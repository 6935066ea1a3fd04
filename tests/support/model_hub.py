"""A hub on loopback with a model that really answers, given away as fast as the test says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ide_agent.features.hub.catalogue import load
from ide_agent.paths import models_dir
from support.fake_hub import FakeHub

REPOSITORY = "someone/smol-coder-GGUF"
FILE = "smol-coder-Q4_1.gguf"
NAME = "smol-coder-q4_1"
"""What the model is called once it is here."""


class ModelHub(FakeHub):
    """One repository, in it the starter model of this machine by another name."""

    def __init__(self) -> None:
        content = (models_dir() / "starter" / load()["starter"].file).read_bytes()
        super().__init__({REPOSITORY: {FILE: content}})
        self.size = len(content)

    def allow(self, percent: int) -> None:
        """Give away so much of the file, of its beginning."""
        self.allowed = self.size * percent // 100 + 1


@contextmanager
def model_hub() -> Iterator[ModelHub]:
    """Serve it; processes that are started within find it, and nothing else to download from."""
    hub = ModelHub()
    with pytest.MonkeyPatch.context() as patch, hub.running():
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("PIP_INDEX_URL", f"{hub.url}/simple")
        yield hub
