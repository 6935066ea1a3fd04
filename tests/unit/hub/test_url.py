"""Models by address."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.errors import ModelNotFound
from ide_agent.features.hub.catalogue import of_address
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.sources.url import UrlFile, is_address, is_name, name_for, of_path


@pytest.mark.parametrize(
    ("url", "file", "name"),
    [
        ("https://example.org/m/Qwen2.5-Q4_K_M.gguf", "Qwen2.5-Q4_K_M.gguf", "qwen2.5-q4_k_m"),
        ("https://example.org/a%20b%2Fc.gguf?download=true#x", "c.gguf", "c"),
        ("http://127.0.0.1:1/M.GGUF", "M.gguf", "m"),
        ("file:///models/x%20(1).gguf", "x-1-.gguf", "x-1"),
        ("https://example.org/%C3%A7ok.gguf", "çok.gguf", "ok"),
    ],
)  # fmt: skip
async def test_name_and_file_come_from_the_address(url: str, file: str, name: str) -> None:
    entry = of_address(url)
    assert (entry.file, entry.name) == (file, name)
    remote = await entry.source.resolve()
    assert (remote.url, remote.sha256) == (url, "")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/",
        "https://example.org/model.bin",
        "ftp://example.org/m.gguf",
        "javascript:x.gguf",
        "https:///m.gguf",
        "http://[x.gguf",
        "http://h:99999/x.gguf",
    ],
)
def test_what_is_no_address_of_a_model(url: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        of_address(url)
    assert caught.value.key_used == "error.model.address"


@pytest.mark.parametrize("host", ["example.org", "192.168.0.5:8080", "localhost.example.org"])
def test_what_others_could_change_on_the_way_wants_a_hash(host: str) -> None:
    url = f"http://me:secret@{host}/m.gguf"
    with pytest.raises(ModelNotFound) as caught:
        of_address(url)
    assert caught.value.key_used == "error.model.in_clear"
    assert "secret" not in caught.value.message("tr")
    assert of_address(url, sha256="ab" * 32).file == "m.gguf"
    assert of_address(url.replace("http:", "https:")).file == "m.gguf"


def test_this_machine_needs_no_encryption() -> None:
    for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000"):
        assert of_address(f"http://{host}/m.gguf").file == "m.gguf"


@pytest.mark.parametrize(
    "name", ["../x", "A", "a b", "-a", ".downloads", "x" * 101, "a/b", "con", "nul.x", "a."]
)
def test_a_name_must_be_a_folders(name: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        of_address("https://example.org/m.gguf", name)
    assert caught.value.key_used == "error.model.name"


def test_a_hash_is_one() -> None:
    assert of_address("https://example.org/m.gguf", "", "AB" * 32).sha256 == "ab" * 32
    with pytest.raises(ModelNotFound) as caught:
        of_address("https://example.org/m.gguf", "", "ab")
    assert caught.value.key_used == "error.model.sha256"


def test_what_may_be_secret_is_not_shown() -> None:
    source = UrlFile(url="https://me:secret@example.org:8080/m.gguf?token=secret#secret")
    assert source.shown == "https://example.org:8080/m.gguf"
    assert "secret" not in repr(source)
    with pytest.raises(ModelNotFound) as caught:
        of_address("https://me:secret@example.org/m?token=secret")
    assert "secret" not in str(caught.value)


@given(st.text(max_size=200))
def test_any_file_has_a_name(file: str) -> None:
    name = name_for(file)
    assert of_address("https://example.org/m.gguf", name).name == name


@pytest.mark.skipif(sys.platform == "win32", reason="paths have another form there")
def test_a_path_has_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert of_path(Path("a b.gguf")) == f"{tmp_path.as_uri()}/a%20b.gguf"
    assert is_address(of_path(Path("a b.gguf")))
    assert not is_address("starter") and not is_address("/models/m.gguf")


def test_the_origin_tells_files_apart() -> None:
    plain = of_address("https://example.org/m.gguf").origin
    asked = [of_address(f"https://example.org/m.gguf?v={number}").origin for number in (1, 2)]
    assert len({plain, *asked}) == 3
    assert "v=1" not in asked[0]
    named = UrlFile(url="https://example.org/o/n/resolve/c0ffee/m.gguf", known_as="hf:o/n/m.gguf")
    assert named.origin == "hf:o/n/m.gguf"


def test_a_share_keeps_its_server() -> None:
    assert str(Remote("file://server/share/m.gguf").local).replace("\\", "/") == "//server/share/m.gguf"
    assert Remote("file:///m.gguf").local == Path("/m.gguf")


def test_nobodys_home() -> None:
    assert of_path(Path("~nobody-of-that-name/m.gguf")).endswith("nobody-of-that-name/m.gguf")


@pytest.mark.parametrize("file", ["CON.gguf", "....gguf", "ş.gguf", "a" * 79 + ".b.gguf"])
def test_names_that_no_system_has_are_avoided(file: str) -> None:
    assert is_name(name_for(file))
