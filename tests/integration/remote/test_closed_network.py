"""A whole session where there is no network but loopback: nothing is missing, and nothing tries to leave.

Unlike the guard of `test_no_cloud` this sees the engines' C++ code as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support import closed_network
from support.models import starter_model

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def allowed() -> None:
    if why := closed_network.refused():
        pytest.skip(why)


def test_the_counter_sees_what_there_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    counted = closed_network.run("attempts", tmp_path_factory.mktemp("attempts"))
    assert (counted.pop("nothing"), counted.pop("loopback")) == (0, 0)
    addresses = Path("/proc/net/if_inet6")
    six = {"six"} if addresses.exists() and addresses.read_text() else set()
    assert {kind for kind, count in counted.items() if count} >= {"connection", "packet", "name"} | six


@pytest.mark.parametrize("engine", ["xllamacpp", "llama-cpp-python"])
def test_nothing_tries_to_leave(engine: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("session")
    found = closed_network.run("session", folder, ENGINE=engine, STARTER=str(starter_model().file.parent))
    assert found["completion"] and found["chat"]
    assert len(found["embedding starter"]) > 100
    assert len(found["embedding words"]) == 2
    assert min(found["panels"]) > 0
    assert {engine, "onnxruntime"} <= set(found["running"])
    assert found["left"] == 0
