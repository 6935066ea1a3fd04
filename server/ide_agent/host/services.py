"""What the host offers its features."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from ide_agent import __version__
from ide_agent.config import CompletionSettings, Settings
from ide_agent.errors import IdeAgentError
from ide_agent.host.activity import Activity
from ide_agent.host.errors import log_failure
from ide_agent.host.events import Events
from ide_agent.host.live import LiveRemote
from ide_agent.panels import Panels
from ide_agent.panels.visitors import Visitors
from ide_agent.paths import config_file, data_dir, models_dir, routes_file, state_dir
from ide_agent.safety.network import NetworkPolicy
from ide_agent.storage.database import Database
from ide_agent.storage.secrets import Secrets

if TYPE_CHECKING:
    from ide_agent.inference import Inference
    from ide_agent.inference.models import ModelStore
    from ide_agent.inference.routing.router import Router

log = logging.getLogger(__name__)
Callback = Callable[[], Awaitable[None]]


class Services:
    """Handed to every `register_host` hook.

    Attributes:
        app: the FastAPI app; features include their routers.
        settings: the user's settings.
        models: the model files on this machine.
        inference: running engines by model name.
        completion: the user's settings of suggestions as they are now; raises ConfigError where they do not
            say for sure which files are private.
        network: what models may be reached.
        secrets: keys of APIs.
        remotes: models behind APIs.
        routing: the user's rules, which say what model a request goes to.
        database: SQLAlchemy sessions off the event loop.
        events: news for attached editors.
        activity: what keeps the host from leaving.
        panels: what features show; they offer theirs here.
        visitors: who may look at panels in a browser.
        departing: the host ends; who goes away from now on may do so because of that.
    """

    def __init__(self, settings: Settings, problems: list[IdeAgentError]) -> None:
        """`problems`: what was wrong with the settings; shown by `status` and `doctor`."""
        from ide_agent.inference import Inference
        from ide_agent.inference.models import ModelStore
        from ide_agent.inference.remote.service import Remotes
        from ide_agent.inference.routing.known import is_here, known_models
        from ide_agent.inference.routing.router import Router

        self.settings = settings
        self.app = FastAPI(
            title="IDE-Agent", version=__version__, docs_url=None, redoc_url=None, lifespan=self._lifespan
        )
        self.events = Events()
        self.activity = Activity()
        self.panels = Panels()
        self.visitors = Visitors(state_dir() / "panels.key")
        self.database = Database(data_dir() / "ide-agent.db")
        self.models: ModelStore = ModelStore(models_dir(), settings.inference.model)
        self.inference: Inference = Inference(settings.inference, self.models, self.events.publish)
        self.network = NetworkPolicy()
        self.secrets = Secrets()
        live = LiveRemote(config_file(), settings.remote)
        self.remotes = Remotes(live, self.network, self.secrets)
        self.inference.remotes = self.remotes
        self.completion: Callable[[], CompletionSettings] = live.completion
        self.routing: Router = Router(
            routes_file(),
            lambda: known_models(self.models, live().endpoints),
            lambda name: is_here(self.models, name, live().endpoints, self.network),
        )
        self._problems = problems
        self._start: list[Callback] = []
        self._stop: list[Callback] = []
        self._leave = asyncio.Event()
        self.departing = False

    def on_start(self, callback: Callback) -> None:
        """Run `callback` in the event loop before the host listens; one that fails is logged."""
        self._start.append(callback)

    def on_stop(self, callback: Callback) -> None:
        """Run `callback` when the host leaves, last added first, while database and engines still work."""
        self._stop.append(callback)

    def report(self, problem: IdeAgentError) -> None:
        """Add to `problems`."""
        self._problems.append(problem)

    @property
    def problems(self) -> list[IdeAgentError]:
        """What a person should look after though the host works; of the rules as they were read last."""
        broken = (self.database.problem, self.remotes.problem)
        return [*self._problems, *(problem for problem in broken if problem), *self.routing.problems]

    def leave(self) -> None:
        """Ask the host to stop once the current requests are answered."""
        self._leave.set()

    async def leaving(self) -> None:
        """Return when somebody called `leave`."""
        await self._leave.wait()

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        opening = self.database.open()
        await _run_all(self._start)
        try:
            yield
        finally:
            await opening
            await _run_all(self._stop[::-1])
            await _run_all([self.panels.close, self.inference.close, self.remotes.close, self.database.close])


async def _run_all(callbacks: list[Callback]) -> None:
    for callback in callbacks:
        try:
            await callback()
        except Exception as failure:
            log_failure(getattr(callback, "__qualname__", "callback"), failure)
