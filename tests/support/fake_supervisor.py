"""Engines without processes: `FakeSupervisor` in place of `Supervisor`, in the test's own event loop."""

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from ide_agent.errors import EngineCrashed
from ide_agent.inference.client import EngineGone


class FakeSupervisor:
    """Loads when `gate` is open. `log` has a line for every load, answer and end."""

    log: list[str]
    most: int
    """Of them that were there at once."""
    here: set["FakeSupervisor"]
    gate: asyncio.Event
    ends: asyncio.Event
    """Until it is set none comes to its end."""

    @classmethod
    def fresh(cls) -> "type[FakeSupervisor]":
        """One for a test, with its gates open."""
        fake = type("Supervisor", (cls,), {"log": [], "most": 0, "here": set()})
        fake.gate, fake.ends = asyncio.Event(), asyncio.Event()
        fake.gate.set()
        fake.ends.set()
        return fake

    def __init__(
        self, label: str, backends: Sequence[Any], make_spec: Callable[[], Any], on_state: Any
    ) -> None:
        self.label = label
        self.backend = backends[0]
        self.state = "unloaded"
        self.current: Any = None
        self.given_up = False
        self.on_state = on_state

    async def running(self) -> Any:
        if self.current is None:
            self.state = "loading"
            try:
                await self.gate.wait()
            except BaseException:
                self.state = "unloaded"
                raise
            self.log.append(f"load {self.label}")
            self.here.add(self)
            type(self).most = max(self.most, len(self.here))
            client = SimpleNamespace(request=self._answer, url="")
            process = SimpleNamespace(pid=None)
            self.current = SimpleNamespace(backend=self.backend, client=client, process=process, since=0.0)
            self.state = "ready"
            self.on_state("ready", None)
        return self.current

    async def _answer(self, method: str, path: str, json: Any) -> Any:
        me = self.current
        await asyncio.sleep(0.001)
        if me is not self.current:
            raise EngineGone("it was ended")
        self.log.append(f"answer {self.label}")
        return {"model": self.label}

    async def explain(self, running: Any, failure: EngineGone) -> EngineCrashed:
        return EngineCrashed(model=self.label, reason=str(failure))

    def worked(self, running: Any) -> None:
        return

    def crash(self) -> None:
        """Its process is gone."""
        self.current, self.state = None, "error"
        self.here.discard(self)

    async def unload(self) -> None:
        await self.ends.wait()
        if self.current is not None:
            self.log.append(f"end {self.label}")
        self.current, self.state = None, "unloaded"
        self.here.discard(self)
        self.on_state("unloaded", None)

    async def close(self) -> None:
        self.on_state = lambda state, error: None
        await self.unload()
