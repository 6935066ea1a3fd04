import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from ide_agent.storage.secrets import SecretError, Secrets
from support.ring import Ring, use


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "data" / "secrets.json")


def test_the_keyring_takes_it(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring()
    use(monkeypatch, ring)
    assert secrets.set("remote.a", "key") == "keyring"
    assert ring.kept == {("ide-agent", "remote.a"): "key"}
    assert (secrets.get("remote.a"), secrets.place("remote.a")) == ("key", "keyring")
    assert not secrets.file.exists()
    assert secrets.remove("remote.a")
    assert (secrets.get("remote.a"), secrets.place("remote.a"), ring.kept) == (None, None, {})
    assert not secrets.remove("remote.a")


@pytest.mark.parametrize("ring", [fail.Keyring(), null.Keyring()], ids=["none", "null"])
def test_without_a_keyring_a_file_takes_it(
    secrets: Secrets, monkeypatch: pytest.MonkeyPatch, ring: KeyringBackend
) -> None:
    use(monkeypatch, ring)
    assert secrets.set("remote.a", "key") == "file"
    assert secrets.set("remote.b", "other") == "file"
    assert (secrets.get("remote.a"), secrets.place("remote.a")) == ("key", "file")
    if sys.platform != "win32":
        assert stat.S_IMODE(secrets.file.stat().st_mode) == 0o600
        assert stat.S_IMODE(secrets.file.parent.stat().st_mode) == 0o700
    assert secrets.remove("remote.a")
    assert (secrets.get("remote.a"), secrets.get("remote.b")) == (None, "other")
    assert {each.name for each in secrets.file.parent.iterdir()} <= {"secrets.json", ".secrets.json.lock"}


def test_a_keyring_that_comes_later_takes_over(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, fail.Keyring())
    secrets.set("remote.a", "old")
    use(monkeypatch, Ring())
    assert secrets.get("remote.a") == "old"
    assert secrets.set("remote.a", "new") == "keyring"
    assert "old" not in secrets.file.read_text()
    assert secrets.get("remote.a") == "new"


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"'])
def test_a_damaged_file_holds_nothing_and_stays(
    secrets: Secrets, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    use(monkeypatch, fail.Keyring())
    secrets.file.parent.mkdir()
    secrets.file.write_text(content)
    assert secrets.get("remote.a") is None
    with pytest.raises(SecretError, match="left as it is"):
        secrets.set("remote.a", "key")
    with pytest.raises(SecretError):
        secrets.remove("remote.a")
    assert secrets.file.read_text() == content


def test_a_locked_keyring_is_no_empty_one(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Ring(locked=True))
    for work in (lambda: secrets.set("remote.a", "key"), lambda: secrets.remove("remote.a")):
        with pytest.raises(SecretError, match="Unlock it"):
            work()
    with pytest.raises(SecretError):
        secrets.get("remote.a")
    assert secrets.place("remote.a") is None
    assert not secrets.file.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_a_file_that_others_can_read_is_closed(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, fail.Keyring())
    secrets.set("remote.a", "key")
    secrets.file.chmod(0o644)
    assert secrets.get("remote.a") == "key"
    assert stat.S_IMODE(secrets.file.stat().st_mode) == 0o600


def test_many_at_once_lose_nothing(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, fail.Keyring())
    names = [f"remote.{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: Secrets(secrets.file).set(name, "key"), names))
    assert [secrets.get(name) for name in names] == ["key"] * len(names)


def test_whom_it_is_for_is_kept_along(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, fail.Keyring())
    secrets.set("remote.a", "key", "https://models.example")
    secrets.set("remote.b", "key")
    assert secrets.get("remote.a") == "key"
    assert secrets.kept("remote.a") == ("key", "https://models.example")
    assert secrets.kept("remote.b") == ("key", "")
    assert secrets.kept("remote.c") == ("", "")


def test_nowhere_to_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, fail.Keyring())
    (tmp_path / "file").write_text("")
    with pytest.raises(SecretError) as refused:
        Secrets(tmp_path / "file" / "secrets.json").set("remote.a", "very-secret")
    assert "very-secret" not in str(refused.value)


def test_what_no_key_holds_is_refused(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, fail.Keyring())
    secrets.set("remote.a", " key\n")
    assert secrets.get("remote.a") == "key"
    for unfit in ("şifre", "a b", "a\nb"):
        with pytest.raises(SecretError) as refused:
            secrets.set("remote.a", unfit)
        assert unfit not in refused.value.message("tr")
    assert secrets.get("remote.a") == "key"
