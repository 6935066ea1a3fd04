import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpcore
import pytest

from ide_agent.errors import RemoteOff, RemoteRefused
from ide_agent.safety.connecting import checked_backend
from ide_agent.safety.network import LOOPBACK, NetworkPolicy, networks
from support.scripted_api import ScriptedApi

SERVER = Path(__file__).parents[3] / "server" / "ide_agent"


@dataclass(frozen=True)
class At:
    url: str
    forwards: bool = False


async def get(policy: NetworkPolicy, url: str, forwards: bool = False) -> int:
    async with policy.pool(At(url, forwards), "out") as pool:
        response = await pool.request("GET", f"{url}/models")
        return response.status


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """What the system's resolver says from now on; the names that it was asked for."""
    asked: list[str] = []

    async def getaddrinfo(_: Any, host: str, port: int, **more: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://127.8.8.8/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://[::ffff:127.0.0.1]/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://ollama.localhost/v1", True),
        ("https://openrouter.ai/api/v1", False),
        ("http://192.168.1.5/v1", False),
        ("http://0.0.0.0/v1", False),
        ("http://[::ffff:10.0.0.1]/v1", False),
        ("http://127.0.0.1.example.com/v1", False),
        ("http://localhost.example.com/v1", False),
        ("http://2130706433/v1", False),
        ("nonsense", False),
    ],
)
def test_what_is_this_machine(url: str, local: bool) -> None:
    policy = NetworkPolicy()
    assert policy.is_local(At(url)) is local
    if local:
        policy.check(At(url))
    else:
        with pytest.raises(RemoteOff):
            policy.check(At(url))
    NetworkPolicy(remote=True).check(At(url))


async def test_off_no_name_is_even_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolving_to(monkeypatch, "127.0.0.1")
    for url in ("https://models.example/v1", "http://models.example/v1"):
        with pytest.raises(RemoteOff):
            await get(NetworkPolicy(), url)
    assert asked == []


async def test_off_no_other_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedApi("127.0.0.2").running() as api:
        policy = NetworkPolicy(local=networks("127.0.0.1/32"), plain=LOOPBACK)
        with pytest.raises(RemoteOff):
            await get(policy, api.url)
        assert api.asked == []
        policy.remote = True
        assert await get(policy, api.url) == 200


async def test_localhost_is_never_asked_of_a_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedApi().running() as api:
        asked = resolving_to(monkeypatch, "192.0.2.1")
        assert await get(NetworkPolicy(), api.url.replace("127.0.0.1", "localhost")) == 200
        assert asked == []


async def test_what_names_stand_for_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = NetworkPolicy(remote=True)
    resolving_to(monkeypatch, "127.0.0.1", "192.0.2.1")
    monkeypatch.setattr(NetworkPolicy, "in_clear", lambda *_: False)
    with pytest.raises(RemoteRefused, match="encryption"):
        await get(policy, "http://half.example/v1")


async def test_no_name_is_looked_up_that_would_be_asked_without_encryption(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = resolving_to(monkeypatch, "127.0.0.1")
    with pytest.raises(RemoteRefused, match="encryption"):
        await get(NetworkPolicy(remote=True), "http://models.example/v1")
    assert asked == []


async def test_without_encryption_nothing_goes_elsewhere() -> None:
    with pytest.raises(RemoteRefused, match="encryption"):
        await get(NetworkPolicy(remote=True), "http://192.0.2.1/v1")


async def test_a_name_that_is_looked_up_is_connected_to_by_what_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ScriptedApi("127.0.0.2").running() as api:
        asked = resolving_to(monkeypatch, "127.0.0.3", "127.0.0.2")  # nobody listens at the first
        monkeypatch.setattr(NetworkPolicy, "in_clear", lambda *_: False)  # there is no TLS here
        policy = NetworkPolicy(remote=True, local=networks("127.0.0.1/32"), plain=LOOPBACK)
        assert await get(policy, api.url.replace("127.0.0.2", "models.example")) == 200
        assert asked == ["models.example"]


async def test_an_unknown_name_is_a_connection_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*_: Any, **__: Any) -> None:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    with pytest.raises(httpcore.ConnectError, match="not known"):
        await get(NetworkPolicy(remote=True), "https://models.example/v1")


async def test_a_name_server_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    url = "https://models.example/v1"
    with pytest.raises(httpcore.ConnectTimeout):
        await checked_backend(NetworkPolicy(remote=True), At(url), "out").connect_tcp(
            "models.example", 443, timeout=0.01
        )


async def test_what_is_taken_for_local_cannot_lead_elsewhere() -> None:
    policy = NetworkPolicy(remote=True, local=networks("127.0.0.1/32"))
    with pytest.raises(RemoteRefused, match="is not on this machine"):
        await policy.resolve("192.0.2.1", 80, At("http://127.0.0.1/v1"), "near")


async def test_what_forwards_is_another_machine() -> None:
    with ScriptedApi().running() as api:
        tunnel, policy = At(api.url, forwards=True), NetworkPolicy()
        assert not policy.is_local(tunnel)
        with pytest.raises(RemoteOff):
            policy.check(tunnel)
        with pytest.raises(RemoteOff):
            await get(policy, api.url, forwards=True)
        assert api.asked == []
        policy.remote = True
        assert await get(policy, api.url, forwards=True) == 200
        assert not policy.in_clear(tunnel), "what a tunnel sends on is its own affair"


@pytest.mark.parametrize(
    ("url", "in_clear"),
    [
        ("http://127.0.0.1:1/v1", False),
        ("https://gpu.example/v1", False),
        ("http://gpu.example/v1", True),
        ("http://192.168.1.5:8000/v1", True),
    ],
)
def test_what_others_could_read_on_the_way(url: str, in_clear: bool) -> None:
    assert NetworkPolicy(remote=True).in_clear(At(url)) is in_clear


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with ScriptedApi().running() as api:
        assert await get(NetworkPolicy(), api.url) == 200


def test_nobody_else_makes_connections() -> None:
    """Whoever needs the network for something else is named here, with what for."""
    known = {
        "editor/link.py": "to the host",
        "features/hub/arriving.py": "reads what these ask for",
        "features/hub/download.py": "models that the user asked for",
        "features/hub/partial.py": "the same",
        "features/hub/sources/account.py": "whether a token is known there",
        "features/hub/sources/huggingface.py": "models that the user asked for",
        "features/hub/sources/ranged.py": "the same",
        "features/hub/sources/start.py": "the same",
        "features/hub/trust.py": "certificates for it",
        "host/lifecycle.py": "listens",
        "inference/exchange.py": "to engines on this machine",
        "inference/remote/endpoint.py": "through the policy",
        "inference/remote/model.py": "types of it",
        "inference/remote/refusals.py": "its errors",
        "inference/serve/http.py": "listens",
        "reasons.py": "names of its errors",
        "runtime.py": "to the host",
        "safety/connecting.py": "the policy",
        "safety/network.py": "the policy",
    }
    clients = ("httpx", "httpcore", "socket", "http.client", "aiohttp", "requests", "openai", "urllib3")
    found = {
        str(file.relative_to(SERVER).as_posix())
        for file in SERVER.rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        for client in clients
        if line.strip().startswith((f"import {client}", f"from {client} ", f"from {client}."))
        or "urlopen(" in line
        or "open_connection(" in line
        or "create_connection(" in line
    }
    assert found == set(known)
