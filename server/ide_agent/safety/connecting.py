"""Connections that are checked as they are made; imported only when one is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import httpcore

if TYPE_CHECKING:
    from ide_agent.safety.network import NetworkPolicy, Target


class _Checked(httpcore.AsyncNetworkBackend):
    def __init__(self, policy: NetworkPolicy, target: Target, endpoint: str) -> None:
        self._policy = policy
        self._target = target
        self._endpoint = endpoint
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of `host` that answers, all of them checked before.

        `timeout` is for the name and all addresses together.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._first(host, port, timeout, local_address, socket_options)
        except TimeoutError as failure:
            raise httpcore.ConnectTimeout(f"{host} did not answer") from failure
        except OSError as failure:
            raise httpcore.ConnectError(str(failure)) from failure

    async def _first(
        self,
        host: str,
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[Any] | None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._policy.resolve(host, port, self._target, self._endpoint)
        failures: list[Exception] = []
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    address,
                    port,
                    timeout=timeout,
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failure:
                failures.append(failure)
        raise failures[0]

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """No model is reached like this."""
        raise httpcore.ConnectError(path)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)


def checked_backend(policy: NetworkPolicy, target: Target, endpoint: str) -> httpcore.AsyncNetworkBackend:
    """What makes the connections of a pool, asking `policy` each time."""
    return _Checked(policy, target, endpoint)
