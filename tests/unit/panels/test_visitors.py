"""Who may look at panels in a browser."""

from __future__ import annotations

import hashlib
import hmac
import sys
import time
from pathlib import Path

import pytest

from ide_agent.errors import PanelError
from ide_agent.panels import visitors as visitors_module
from ide_agent.panels.visitors import Visitors


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "panels.key"


@pytest.fixture
def visitors(key_file: Path) -> Visitors:
    return Visitors(key_file)


def test_an_invitation_works_once(visitors: Visitors) -> None:
    once = visitors.invite()
    assert visitors.admits(visitors.enter(once))
    with pytest.raises(PanelError):
        visitors.enter(once)
    with pytest.raises(PanelError):
        visitors.enter("")


def test_an_invitation_gets_old(visitors: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors_module, "_INVITATION_SECONDS", 0.0)
    with pytest.raises(PanelError):
        visitors.enter(visitors.invite())


def test_many_invitations_push_out_the_oldest(visitors: Visitors) -> None:
    first = visitors.invite()
    last = [visitors.invite() for _ in range(visitors_module._MOST_INVITATIONS)][-1]
    with pytest.raises(PanelError):
        visitors.enter(first)
    visitors.enter(last)


def test_a_session_outlives_the_host(visitors: Visitors, key_file: Path) -> None:
    session = visitors.enter(visitors.invite())
    assert Visitors(key_file).admits(session)
    if sys.platform != "win32":
        assert key_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("broken", [b"", b"short", b"\xff" * 40, b"!" * 44])
def test_a_key_that_is_damaged_is_made_anew(visitors: Visitors, key_file: Path, broken: bytes) -> None:
    key_file.write_bytes(broken)
    session = visitors.enter(visitors.invite())
    assert Visitors(key_file).admits(session)


def test_who_has_the_key_proves_it_without_telling_a_session(visitors: Visitors, tmp_path: Path) -> None:
    session = visitors.enter(visitors.invite())
    ends, _, signature = session.partition(".")
    proof = visitors.prove(ends, "a nonce", 4711)
    expected = hmac.new(session.encode(), b"host 4711 a nonce", hashlib.sha256).hexdigest()
    assert proof == expected
    assert signature not in proof
    others = [
        Visitors(tmp_path / "other.key").prove(ends, "a nonce", 4711),
        visitors.prove(ends, "a nonce", 4712),
        visitors.prove(ends, "another", 4711),
        visitors.prove(str(int(ends) + 1), "a nonce", 4711),
    ]
    assert proof not in others


def test_a_session_ends(visitors: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    session = visitors.enter(visitors.invite())
    later = time.time() + visitors_module._SESSION_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert not visitors.admits(session)


def test_what_is_no_session(visitors: Visitors, tmp_path: Path) -> None:
    session = visitors.enter(visitors.invite())
    ends, _, signature = session.partition(".")
    foreign = Visitors(tmp_path / "other.key")
    for wrong in (
        "",
        ".",
        signature,
        f"{int(ends) + 1}.{signature}",
        f"{ends}.{signature[:-1]}",
        f"{ends}.",
        f"{ends}.é",
        f"²{ends}.{signature}",
        foreign.enter(foreign.invite()),
    ):
        assert not visitors.admits(wrong)
