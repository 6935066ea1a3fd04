"""Which machines models may be asked on: the one place where connections to models outside are made.

Off, which is the default, nothing but this machine can be reached, and no name is looked up either: a
question to a name server leaves the machine, too. On, the addresses that a name stands for count, and the
connection goes to the very address that was checked. Redirects are not followed, proxies of the environment
not used.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from ide_agent.errors import RemoteOff, RemoteRefused

if TYPE_CHECKING:
    import httpcore

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LOOPBACK: tuple[_Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


class Target(Protocol):
    """Whom to ask, as the settings say."""

    @property
    def url(self) -> str:
        """Base address."""
        ...

    @property
    def forwards(self) -> bool:
        """Whether that is an address of this machine behind which another one is, as of a tunnel."""
        ...


@dataclass
class NetworkPolicy:
    """What may be reached.

    Attributes:
        remote: whether other machines may be.
        local: what counts as this machine.
        plain: what may be reached without encryption.
        refresh: brings the others up to date; called before each question.
    """

    remote: bool = False
    local: tuple[_Network, ...] = LOOPBACK
    plain: tuple[_Network, ...] = LOOPBACK
    refresh: Callable[[], object] = lambda: None

    def is_local(self, target: Target) -> bool:
        """Whether what is sent there stays on this machine, told without looking anything up."""
        return not target.forwards and _within(_literal(_host(target)), self.local)

    def in_clear(self, target: Target) -> bool:
        """Whether others could read on the way what is sent there, so that nothing is."""
        return not (target.url.startswith("https:") or _within(_literal(_host(target)), self.plain))

    def place(self, target: Target) -> Literal["here", "behind", "in_clear", "elsewhere"]:
        """Where it is, and how safe the way there is."""
        if self.is_local(target):
            return "here"
        if self.in_clear(target):
            return "in_clear"
        return "behind" if target.forwards and _within(_literal(_host(target)), self.local) else "elsewhere"

    def check(self, target: Target) -> None:
        """Whether this may be asked now.

        Raises:
            RemoteOff: it is on another machine, and remote is off.
        """
        self.refresh()
        if not (self.remote or self.is_local(target)):
            raise RemoteOff(host=_host(target) or target.url)

    def pool(self, target: Target, endpoint: str) -> httpcore.AsyncConnectionPool:
        """Connections for requests to `target`, each of which is checked as it is made.

        Args:
            target: one that is local stays so: it cannot lead elsewhere.
            endpoint: what to call it in errors.
        """
        import httpcore

        from ide_agent.safety.connecting import checked_backend

        tls = _tls() if target.url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=None,
            max_keepalive_connections=4,
            keepalive_expiry=20.0,
            network_backend=checked_backend(self, target, endpoint),
        )

    async def resolve(self, host: str, port: int, target: Target, endpoint: str) -> list[str]:
        """The addresses to connect to for `host`, all of which are allowed.

        Args:
            host: what the URL names.
            port: to connect to.
            target: the endpoint.
            endpoint: its name.

        Raises:
            RemoteOff: it is on another machine, and remote is off.
            RemoteRefused: it is on another machine and should not be, or would be reached without encryption.
            OSError: the name is not known.
        """
        self.refresh()
        literal = _literal(host)
        if literal:
            found = literal
        elif not self.remote:
            raise RemoteOff(host=host)
        elif self.in_clear(target):  # nothing is asked of a name server for it either
            raise RemoteRefused("error.remote.unencrypted", host=host)
        else:
            infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in infos]
        if target.forwards or not _within(found, self.local):
            if not self.remote:
                raise RemoteOff(host=host)
            if self.is_local(target):
                raise RemoteRefused("error.remote.address", host=host, endpoint=endpoint)
        if not (target.url.startswith("https:") or _within(found, self.plain)):
            raise RemoteRefused("error.remote.unencrypted", host=host)
        return list(dict.fromkeys(map(str, found)))


def networks(*names: str) -> tuple[_Network, ...]:
    """Networks by their names, e.g. ``127.0.0.0/8``."""
    return tuple(ipaddress.ip_network(name) for name in names)


def in_clear(url: str) -> bool:
    """Whether others could read, and change, on the way what comes from `url`; nothing is looked up."""
    here = _within(_literal(urlsplit(url).hostname or ""), LOOPBACK)
    return urlsplit(url).scheme == "http" and not here


def _host(target: Target) -> str:
    return urlsplit(target.url).hostname or ""


def _literal(host: str) -> list[_Address]:
    """The addresses that `host` stands for without being looked up; none for any other name."""
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761: never asked of a name server
        return [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        return []


def _within(addresses: Iterable[_Address], networks: tuple[_Network, ...]) -> bool:
    """Whether there are addresses and all of them lie in one of `networks`."""
    found = [getattr(address, "ipv4_mapped", None) or address for address in addresses]
    return bool(found) and all(any(address in network for network in networks) for address in found)


def _tls() -> ssl.SSLContext:
    """What certifi and this system trust."""
    import httpx

    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context
