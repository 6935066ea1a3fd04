import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference import reader as module
from ide_agent.inference.reader import Reader, reading
from support import gguf_file

WORDS = ["", "é", "a word", "a word that is longer than the window", "end"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window that moves with every word, and limits that a small file reaches."""
    monkeypatch.setattr(module, "_WINDOW", 16)
    monkeypatch.setattr(module, "_MAX_HEADER", 1000)
    monkeypatch.setattr(module, "_MAX_STRINGS", 10)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three numbers of four bytes, then the words."""
    file = tmp_path / "m"
    file.write_bytes(struct.pack("<3I", 1, 2, 3) + b"".join(map(gguf_file.text, WORDS)))
    return file


def test_reads_what_was_written_in_windows_of_any_size(file: Path) -> None:
    with reading(file) as reader:
        assert reader.size == file.stat().st_size
        assert reader.numbers(3) == (1, 2, 3)
        assert reader.position == 12
        assert [reader.text(100) for _ in WORDS] == WORDS
        assert reader.position == reader.size


@pytest.mark.parametrize("count", range(len(WORDS)))
def test_strings_are_stepped_over(file: Path, count: int) -> None:
    with reading(file) as reader:
        reader.skip(12)
        reader.skip_strings(count)
        assert reader.text(100) == WORDS[count]


def test_goes_back_as_well(file: Path) -> None:
    with reading(file) as reader:
        reader.seek(reader.size)
        reader.seek(4)
        assert reader.number("<I") == 2
        reader.seek(0)
        assert reader.take(4) == b"\1\0\0\0"


def test_the_longest_text_that_is_allowed(file: Path) -> None:
    with reading(file) as reader:
        reader.seek(12)
        reader.skip_strings(2)
        assert reader.text(6) == "a word"
        with pytest.raises(ModelFileInvalid) as caught:
            reader.text(36)
        assert caught.value.params["reason"] == "a name of 37 bytes"


@pytest.mark.parametrize(
    "step",
    [
        lambda reader: reader.seek(reader.size + 1),
        lambda reader: reader.skip(1 << 63),
        lambda reader: reader.take(reader.size + 1),
        lambda reader: reader.numbers(1 << 40),
        lambda reader: [reader.take(4) for _ in range(100)],
        lambda reader: reader.skip_strings(1),  # 1 and 2, read as a length
        lambda reader: reader.skip_strings(9),  # fewer than are allowed, more than fit in
    ],
    ids=["seek", "skip", "take", "numbers", "step by step", "string", "strings"],
)
def test_nothing_leads_out_of_the_file(file: Path, step: Callable[[Reader], Any]) -> None:
    file.write_bytes(file.read_bytes()[:64])
    with pytest.raises(ModelFileInvalid) as caught, reading(file) as reader:
        step(reader)
    assert caught.value.key_used in ("error.model.corrupt", "error.model.cut")
    assert str(file) in caught.value.message("en")


def test_a_file_that_ends_in_its_header_is_told_from_nonsense(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:64])
    for place, key in ((60, "error.model.cut"), (8, "error.model.corrupt")):
        with pytest.raises(ModelFileInvalid) as caught, reading(file) as reader:
            reader.seek(place)
            reader.take(100)
        assert caught.value.key_used == key


def test_a_header_has_an_end_though_the_file_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "m"
    file.write_bytes(bytes(2000))
    with reading(file) as reader:
        assert reader.take(1000) == bytes(1000)
        for step in (reader.take, reader.skip):
            with pytest.raises(ModelFileInvalid) as caught:
                step(1)
            assert "points at byte 1001 of 2000" in caught.value.params["reason"]


def test_all_strings_together_are_not_too_many(tmp_path: Path) -> None:
    file = tmp_path / "m"
    file.write_bytes(bytes(800))
    with reading(file) as reader:
        reader.skip_strings(4)
        reader.skip_strings(6)
        with pytest.raises(ModelFileInvalid) as caught:
            reader.skip_strings(1)
        assert caught.value.params["reason"] == "1 strings cannot be true"
        assert "what stands at byte 80 of 800 makes no sense" in caught.value.message("en")
        assert "800 baytlık dosyanın 80. baytındaki veri anlamsız" in caught.value.message("tr")


def test_a_file_that_cannot_be_read_names_itself(tmp_path: Path) -> None:
    with pytest.raises(ModelFileInvalid, match=r"gone\.gguf.*No such file"), reading(tmp_path / "gone.gguf"):
        pass


def test_a_failing_disk_is_a_file_that_cannot_be_read(file: Path) -> None:
    with pytest.raises(ModelFileInvalid, match="The disk reports a fault"), reading(file):
        raise OSError(5, "Input/output error")
