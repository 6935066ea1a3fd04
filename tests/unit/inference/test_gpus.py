"""What goes onto a GPU. There is none here: the driver's library is played."""

from __future__ import annotations

from types import SimpleNamespace

import pynvml
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.inference import gpus as module
from ide_agent.inference.gpus import Gpu, Offload, Promises, gpus, offload, room

GB = 1 << 30


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has looked yet."""
    monkeypatch.setattr(module, "_looked", None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def driver(fresh: None, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The devices that the driver tells of, by memory in all and free; an error for one that fails."""
    devices: list[object] = []

    def memory(device: object) -> SimpleNamespace:
        if isinstance(device, Exception):
            raise device
        total, free = device  # type: ignore[misc]
        return SimpleNamespace(total=total, free=free)

    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: len(devices))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda number: devices[number])
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", memory)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetName", lambda device: "Card")
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUUID", lambda device: f"GPU-{devices.index(device)}-abc")
    return devices


def test_without_a_driver_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", refuse)
    assert gpus() == ()
    assert room() == 0


def test_each_is_told_with_what_is_free(driver: list[object]) -> None:
    driver += [(8 * GB, 6 * GB), (24 * GB, GB // 4)]
    assert gpus() == (Gpu("Card", 8 * GB, 6 * GB), Gpu("Card", 24 * GB, GB // 4))
    assert room() == 6 * GB - GB // 2


def test_one_that_fails_hides_no_other(driver: list[object]) -> None:
    driver += [pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST), (8 * GB, 6 * GB)]
    assert gpus() == (Gpu("Card", 8 * GB, 6 * GB),)


@pytest.mark.parametrize(
    ("visible", "left"), [("1", 1), ("0,1", 2), ("GPU-0", 1), ("GPU-7", 0), ("", 0), ("-1", 0)]
)
def test_those_that_the_engine_cannot_see_do_not_count(
    driver: list[object], monkeypatch: pytest.MonkeyPatch, visible: str, left: int
) -> None:
    driver += [(8 * GB, 6 * GB), (24 * GB, 5 * GB)]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert len(gpus()) == left


@pytest.mark.parametrize(
    ("room", "wanted", "expected"),
    [
        (10 * GB, -1, Offload(4, 4, 4 * GB)),
        (2 * GB + 5, -1, Offload(2, 4, 2 * GB)),
        (GB - 1, -1, Offload(0, 4, 0)),
        (10 * GB, 0, Offload(0, 4, 0)),
        (10 * GB, 3, Offload(3, 4, 3 * GB)),
        (10 * GB, 99, Offload(4, 4, 4 * GB)),
    ],
)
def test_as_many_layers_go_as_fit(room: int, wanted: int, expected: Offload) -> None:
    assert offload(blocks=3, weights=3 * GB, kv=GB, room=room, wanted=wanted) == expected


@given(
    st.integers(0, 200),
    st.integers(0, 1 << 40),
    st.integers(0, 1 << 40),
    st.integers(0, 1 << 40),
    st.integers(-1, 300),
)
def test_never_more_than_there_is_room_for(
    blocks: int, weights: int, kv: int, room: int, wanted: int
) -> None:
    found = offload(blocks, weights, kv, room, wanted)
    assert 0 <= found.layers <= found.of
    assert found.bytes <= room


def test_what_is_promised_to_one_is_not_there_for_another(driver: list[object]) -> None:
    driver.append((16 * GB, 10 * GB + GB // 2))
    promises = Promises()
    promises.give("a", 6 * GB, room())
    assert promises.left(room(), "a") == 10 * GB
    assert promises.left(room(), "b") == 4 * GB
    module.look_again()
    driver[0] = (16 * GB, 7 * GB + GB // 2)  # it has taken half of it by now
    assert promises.left(room(), "b") == 4 * GB
    promises.give("b", 3 * GB, room())
    assert (promises.left(room(), "a"), promises.left(room(), "c")) == (7 * GB, GB)
    driver[0] = (16 * GB, 4 * GB + GB // 2)
    promises.take("a")  # the driver is asked anew
    assert (promises.left(room(), "b"), promises.left(room(), "c")) == (4 * GB, GB)
    promises.drop("b")
    promises.drop("b")
    assert promises.left(room(), "c") == 4 * GB


def test_what_one_has_taken_is_not_given_twice() -> None:
    promises = Promises()
    promises.give("a", 4, 10)
    promises.give("b", 5, 10)
    promises.take("a")
    assert promises.left(6, "c") == 1
    promises.take("a")
    assert promises.left(6, "c") == 1
    promises.take("b")
    assert promises.left(1, "c") == 1


def test_what_one_did_not_take_is_free_again() -> None:
    promises = Promises()
    promises.give("a", 4, 10)
    promises.give("b", 5, 10)
    promises.drop("a")
    assert promises.left(10, "c") == 5


def test_what_others_let_go_of_meanwhile_can_be_had() -> None:
    promises = Promises()
    promises.give("a", 6, 10)
    assert promises.left(18, "b") == 12
    assert promises.left(14, "b") == 12, "it has taken a part of it by now"
    promises.take("a")
    assert promises.left(12, "b") == 12


def test_a_promise_made_anew_takes_the_place_of_the_old_one() -> None:
    promises = Promises()
    promises.give("a", 6, 10)
    promises.give("a", 2, 10)
    assert promises.left(10, "b") == 8
    promises.give("a", 0, 10)
    assert promises.left(10, "b") == 10
