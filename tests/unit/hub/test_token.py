"""The token of a hub: who gives it, where it is kept, and that nobody else sees it."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from keyring.backends import null
from typer.testing import CliRunner

from ide_agent import cli as house
from ide_agent import terminal
from ide_agent.errors import DownloadError, IdeAgentError
from ide_agent.features.hub import fetch
from ide_agent.features.hub.about import files_of
from ide_agent.features.hub.download import Policy
from ide_agent.features.hub.formats import INDEX
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import huggingface, token
from ide_agent.storage.secrets import SecretError, Secrets
from support import gguf_file
from support.fake_hub import TOKEN, FakeHub
from support.ring import Ring, use

HASTY = Policy(stall=20.0, attempts=3, first_wait=0.001, longest_wait=0.01)
GGUF = gguf_file.file(gguf_file.llama())
INDEXED = {
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    INDEX: b'{"weight_map": {"a": "model-00001-of-00001.safetensors"}}',
    "model-00001-of-00001.safetensors": b"x",
}


@pytest.fixture(autouse=True)
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    found = Ring()
    use(monkeypatch, found)
    return found


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    monkeypatch.setattr(terminal, "language", lambda: "en")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with FakeHub({"me/one": {"one.gguf": GGUF}, "me/parts": INDEXED}).running() as running:
        running.gated |= {"me/one", "me/parts"}
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def models(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "models", entries={}, policy=HASTY)


def run(command: str, given: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(house.app, ["models", command], input=given)
    return result.exit_code, result.output


def shown(hub: FakeHub) -> set[str]:
    """What was shown to it as authorization."""
    return {authorization for _, authorization in hub.requests}


async def test_what_is_given_once_opens_a_gated_model(hub: FakeHub, models: Hub, ring: Ring) -> None:
    assert run("login", f"{TOKEN}\n") == (0, f"The token for {hub.url[7:]} is in the system's keyring.\n")
    assert (await models.pull("hf:me/one")).file.read_bytes() == GGUF
    assert shown(hub) == {f"Bearer {TOKEN}"}
    assert run("logout") == (0, f"The token for {hub.url[7:]} was removed.\n")
    assert (ring.kept, token.is_kept(), token.token_for(hub.url)) == ({}, False, "")
    assert "There was no token" in run("logout")[1]
    for given in ("", "\n", " \n"):
        code, out = run("login", given)
        assert (code, ring.kept) == (1, {})
        assert "No token was given" in out


def test_a_token_that_the_hub_refuses_is_not_kept(hub: FakeHub, ring: Ring) -> None:
    hub.ended.add("old")
    code, out = run("login", "old\n")
    assert (code, ring.kept, token.is_kept()) == (1, {}, False)
    assert f"{hub.url[7:]} does not accept this token" in out
    assert [path for path, _ in hub.requests] == ["/api/whoami-v2"]
    token.give(TOKEN)
    run("login", "old\n")
    assert token.token_for(hub.url) == TOKEN  # the one that was good stays


@pytest.mark.parametrize("why", ["offline", "out of order", "another hub", "nobody there", "elsewhere"])
def test_a_token_that_nobody_checks_is_kept_and_that_is_said(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "offline":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    elif why == "nobody there":
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    hub.status = {"out of order": 503, "another hub": 404, "elsewhere": 302}.get(why, 0)
    code, out = run("login", f"{TOKEN}\n")
    assert (code, token.is_kept()) == (0, True)
    assert "could not be checked" in out and "is in the system's keyring" in out
    assert len(hub.requests) == (why not in ("offline", "nobody there"))


def test_without_a_keyring_a_file_has_it_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, null.Keyring())  # type: ignore[no-untyped-call]
    code, out = run("login", f"{TOKEN}\n")
    file = Secrets().file
    assert (code, TOKEN in out, "checked" in out) == (0, False, False)
    assert f"unencrypted in {file}" in out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token.token_for("http://127.0.0.1:9/x") == ""
    assert run("logout")[0] == 0
    assert TOKEN not in file.read_text()


def test_whose_word_counts_first(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text("of-another-program\n")
    assert token.token_for(hub.url) == "of-another-program"
    token.give("of-the-keyring")
    assert token.token_for(hub.url) == "of-the-keyring"
    monkeypatch.setenv("HF_TOKEN", "of-the-environment")
    assert token.token_for(hub.url) == "of-the-environment"
    assert "HF_TOKEN is set" in run("login", "one\n")[1]
    for other in (f"{hub.url}0/x", hub.url.replace("http:", "https:"), "https://example.org/x"):
        assert token.token_for(other) == ""


def test_a_token_is_for_the_hub_it_was_given_for(monkeypatch: pytest.MonkeyPatch, ring: Ring) -> None:
    token.give(TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    assert (token.token_for("https://hub.example/api/models"), token.is_kept()) == ("", False)
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    with pytest.raises(SecretError) as caught:
        token.give("in-clear")
    assert caught.value.key_used == "error.secret.in_clear"
    assert [value.split()[0] for value in ring.kept.values()] == [TOKEN]


def test_whose_token_was_removed_is_said(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    token.give(TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    assert run("logout") == (0, f"The token for {hub.url[7:]} was removed.\n")
    assert run("logout") == (0, "There was no token for hub.example.\n")


async def test_nobody_is_shown_it_to_whom_the_hub_sends_us(hub: FakeHub, models: Hub) -> None:
    token.give(TOKEN)
    files = {name: {**each} for name, each in hub.repositories.items()}
    with FakeHub(files).running() as elsewhere:
        hub.elsewhere = elsewhere.url
        assert (await models.pull("hf:me/one")).file.read_bytes() == GGUF
        assert len(huggingface.offers("me/parts")) == 1  # for which its index is read
        assert shown(hub) == {f"Bearer {TOKEN}"}
        assert len(elsewhere.requests) == 2
        assert shown(elsewhere) == {""}


async def test_it_is_written_nowhere_else(
    hub: FakeHub, models: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token.give(TOKEN)
    with pytest.raises(IdeAgentError) as caught:
        models.entry("hf:me/none")
    await models.pull("hf:me/one")
    hub.ended.add(TOKEN)
    with pytest.raises(DownloadError) as ended:
        files_of("me/one")
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    said = [*(str(each.value.as_wire()) for each in (caught, ended)), caplog.text]
    assert len(written) > 2
    assert not any(TOKEN.encode() in content for content in written)
    assert not any(TOKEN in text for text in said)
    assert not any(TOKEN in path for path, _ in hub.requests)


@pytest.mark.parametrize("name", ["hf:me/one", "hf:me/parts"])
async def test_who_is_not_let_in_is_told_what_to_do(
    hub: FakeHub, models: Hub, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    told = []
    for given in ("", "of-somebody-else", "ended"):
        monkeypatch.setenv("HF_TOKEN", given)
        hub.ended = {"ended"}
        with pytest.raises(DownloadError) as caught:
            await models.pull(name)
        told.append(caught.value.key_used)
        assert f"{hub.url}/settings/tokens" in str(caught.value)
        assert (f"{hub.url}/{name[3:]}" in str(caught.value)) == (given != "ended")
    assert told == ["error.download.gated", "error.download.gated_still", "error.download.token"]
    assert set(told) == token.LACKING


@pytest.mark.parametrize(
    ("host", "status", "code", "shown", "key"),
    [
        ("", 401, "GatedRepo", "", "gated"),
        ("", 403, "GatedRepo", "mine", "gated_still"),
        ("", 403, "", "mine", "gated_still"),
        ("", 401, "", "mine", "token"),
        ("", 200, "GatedRepo", "", None),
        ("", 404, "GatedRepo", "mine", None),
        ("", 403, "DisabledRepo", "mine", None),
        ("", 401, "RepoNotFound", "mine", None),
        ("https://example.org", 401, "GatedRepo", "", None),
        ("https://example.org", 403, "", "mine", None),
    ],
)
def test_what_is_a_matter_of_a_token(
    hub: FakeHub, host: str, status: int, code: str, shown: str, key: str | None
) -> None:
    url = f"{host or hub.url}/me/one/resolve/main/one.gguf"
    refused = token.refusal(url, status, code, "one", shown)
    assert (refused and refused.key_used) == (key and f"error.download.{key}")


async def test_a_token_that_ends_while_a_file_is_wanted(hub: FakeHub, models: Hub) -> None:
    token.give(TOKEN)
    entry = models.entry("hf:me/one")
    hub.ended.add(TOKEN)
    with pytest.raises(DownloadError) as caught:
        await models.pull(entry)
    assert caught.value.key_used == "error.download.token"


def test_a_locked_keyring_keeps_nobody_from_what_is_open(hub: FakeHub, ring: Ring) -> None:
    hub.gated.clear()
    ring.locked = True
    assert huggingface.offers("me/one")
    assert not ring.asked  # without a token nobody is asked to unlock it
    ring.locked = False
    token.give(TOKEN)
    ring.locked = True
    hub.requests.clear()
    assert [offer.path for offer in huggingface.offers("me/one")] == ["one.gguf"]
    assert shown(hub) == {""}
    with pytest.raises(SecretError):
        token.give(TOKEN)
    with pytest.raises(SecretError):
        token.forget()
    assert token.is_kept()
