import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring.backends.fail
import pytest

from ide_agent.config import RemoteEndpoint, RemoteSettings
from ide_agent.errors import BudgetSpent
from ide_agent.inference.remote.ledger import Allowance, Sent
from ide_agent.inference.remote.service import Remotes
from ide_agent.safety.network import LOOPBACK, NetworkPolicy, networks
from ide_agent.storage.secrets import Secrets
from support.scripted_api import ScriptedApi

ELSEWHERE = "127.0.0.2"
"""Taken for another machine: only 127.0.0.1 is this one."""


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing touches the keyring of whoever runs the tests."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", keyring.backends.fail.Keyring())


@pytest.fixture
def policy() -> NetworkPolicy:
    """Remote is on; ELSEWHERE is another machine that may be reached without encryption."""
    return NetworkPolicy(remote=True, local=networks("127.0.0.1/32"), plain=LOOPBACK)


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    """An API on another machine."""
    with ScriptedApi(ELSEWHERE).running() as running:
        yield running


@pytest.fixture
def here() -> Iterator[ScriptedApi]:
    """An API on this machine."""
    with ScriptedApi().running() as running:
        yield running


class Books:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.begun: list[Sent] = []
        self.ended: list[Sent] = []
        self.held: list[Sent] = []
        self.asked: list[tuple[str, str, str]] = []
        self.spent: BudgetSpent | None = None

    def check(self, endpoint: str, model: str = "") -> None:
        if self.spent is not None:
            raise self.spent

    async def allow(self, endpoint: str, model: str, allowance: Allowance) -> None:
        self.asked.append((endpoint, model, allowance.rule))

    async def begin(self, sent: Sent) -> int:
        self.check(sent.endpoint)
        self.begun.append(sent)
        return len(self.begun)

    async def held_back(self, sent: Sent) -> None:
        self.held.append(sent)

    async def end(self, sent: Sent) -> None:
        self.ended.append(sent)


class Pauses:
    """Waits for nothing, and remembers for how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)

    def clock(self) -> float:
        """Goes on by what was waited only: how busy the machine is makes no difference."""
        return 1000.0 + sum(self.seconds)


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    return Pauses()


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets.json")


Make = Callable[..., Remotes]


@pytest.fixture
def remotes_of(policy: NetworkPolicy, secrets: Secrets, books: Books, pauses: Pauses) -> Make:
    """Makes `Remotes` of endpoints by name (an address, or a section)."""

    def make(redact: bool = True, redact_patterns: tuple[str, ...] = (), **endpoints: Any) -> Remotes:
        sections = {
            name: given if isinstance(given, RemoteEndpoint) else RemoteEndpoint(url=given)
            for name, given in endpoints.items()
        }
        settings = RemoteSettings(
            enabled=policy.remote, redact=redact, redact_patterns=redact_patterns, endpoints=sections
        )
        remotes = Remotes(lambda: settings, policy, secrets, sleep=pauses, clock=pauses.clock)
        remotes.ledger = books
        return remotes

    return make
