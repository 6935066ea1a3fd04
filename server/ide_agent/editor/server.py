"""The language server: what features register on and work with."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ide_agent import __version__
from ide_agent.editor.client import ClientAbilities
from ide_agent.editor.documents import Documents, EditorWorkspace
from ide_agent.editor.host_client import HostClient
from ide_agent.editor.link import Host
from ide_agent.editor.panels import Panels
from ide_agent.editor.protocol import EditorProtocol
from ide_agent.editor.scoped import Scoped
from ide_agent.editor.settings import Configuration
from ide_agent.editor.status import Status
from ide_agent.errors import IdeAgentError
from ide_agent.hooks import plugins
from ide_agent.locale import choose

if TYPE_CHECKING:
    from pygls.io_ import Writer

    from ide_agent.config import Settings

log = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])
_NOTEBOOKS = types.NotebookDocumentSyncOptions(
    notebook_selector=[types.NotebookDocumentFilterWithNotebook(notebook="*")], save=False
)


class EditorServer(LanguageServer):
    """One editor's server.

    Args:
        ensure: finds or starts the host within so many seconds; `ide_agent.runtime.ensure_host` unless given.

    Attributes:
        client: what the client can do; known from `initialize` on.
        documents: the open documents.
        configuration: loads the settings; see `settings` and `settings_for`.
        host: requests to the host.
        status: the client's status item.
        panels: those that the client shows.
        scoped: features for certain documents only.
        exited: resolved with the exit status when the server is to end.
        broken_plugins: plugins that failed to load or to register; the others work without them.
    """

    protocol: EditorProtocol

    def __init__(self, ensure: Callable[[float], Host] | None = None) -> None:
        super().__init__(
            "ide-agent",
            __version__,
            notebook_document_sync=_NOTEBOOKS,
            protocol_cls=EditorProtocol,
            max_workers=2,
        )
        self.client = ClientAbilities()
        self.documents = Documents(EditorWorkspace(None))
        self.configuration = Configuration(self)
        self.status = Status(self)
        self.panels = Panels(self)
        self.scoped = Scoped(self)
        self.host = HostClient(self, ensure)
        self.exited: asyncio.Future[int] | None = None
        self._language = "en"
        self._tasks: set[asyncio.Task[Any]] = set()
        self.broken_plugins: list[str] = []
        from ide_agent.editor import commands, lifecycle, panels  # here, for they import this module

        lifecycle.register(self)
        commands.register(self)
        panels.register(self)
        self._register_plugins()

    # -- what features ask for

    @property
    def language(self) -> str:
        """The user's language, ``en`` or ``tr``: the setting, else what the editor said at the start."""
        chosen = self.configuration.chosen_language
        return self._language if chosen == "auto" else chosen

    @property
    def settings(self) -> Settings:
        """The settings of the first workspace folder."""
        return self.configuration.default()

    def settings_for(self, uri: str) -> Settings:
        """The settings of the workspace folder that holds `uri`."""
        return self.configuration.for_uri(uri)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` in the background; what goes wrong in it is reported, not lost."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)
        return task

    def say(self, text: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Show `text`, which is in the user's language already."""
        self.window_show_message(types.ShowMessageParams(kind, text))

    def report_failure(self, failure: BaseException) -> None:
        """What went wrong where nobody waits for an answer: errors of ours are shown, others logged."""
        if isinstance(failure, IdeAgentError):
            self.say(failure.message(self.language), types.MessageType.Error)
        else:
            log.error("a background task failed", exc_info=failure)

    def start(self, writer: Writer) -> asyncio.Future[int]:
        """Begin to answer on this loop, through `writer`; the future of the exit status."""
        loop = asyncio.get_running_loop()
        self.protocol.attach(loop)
        self.protocol.set_writer(writer)
        self.exited = loop.create_future()
        return self.exited

    def leave(self, code: int) -> None:
        """End the server with exit status `code`."""
        if self.exited is not None and not self.exited.done():
            self.exited.set_result(code)

    # -- registration

    def command(self, command_name: str) -> Callable[[F], F]:
        """Register a command: ``(ls)``, or ``(ls, params)`` annotated with an attrs class."""

        def register(handler: F) -> F:
            self.protocol.command_types[command_name] = params_type(handler)
            return super(EditorServer, self).command(command_name)(handler)

        return register

    def feature(self, feature_name: str, options: Any | None = None) -> Callable[[F], F]:
        """Register a handler. Notifications and `shutdown` may have several, called in their order.

        Handlers of messages that LSP does not know are ``(ls, params)`` annotated with an attrs class.
        """

        def register(handler: F) -> F:
            if feature_name not in types.METHOD_TO_TYPES:
                wanted = params_type(handler)
                if wanted is not None:
                    self.protocol.custom_types[feature_name] = wanted
            handlers = self.protocol.fm.features
            first = handlers.get(feature_name)
            if first is None or not _may_be_shared(feature_name):
                return super(EditorServer, self).feature(feature_name, options)(handler)
            del handlers[feature_name]
            super(EditorServer, self).feature(feature_name, options)(handler)
            join = self._one_by_one if feature_name == types.SHUTDOWN else self._both
            handlers[feature_name] = join(first, handlers[feature_name])
            return handler

        return register

    def _both(self, *handlers: Callable[..., Any]) -> Callable[..., None]:
        """Calls all, now: what is in order when the message comes must not wait for a task."""

        def call(*args: Any) -> None:
            for handler in handlers:
                try:
                    result = handler(*args)
                except Exception as failure:
                    self.report_failure(failure)
                else:
                    if inspect.iscoroutine(result):
                        self.spawn(result)

        return call

    def _one_by_one(self, *handlers: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, None]]:
        """Calls all, each when the one before has ended."""

        async def call(*args: Any) -> None:
            for handler in handlers:
                try:
                    result = handler(*args)
                    if inspect.isawaitable(result):
                        await result
                except Exception as failure:
                    self.report_failure(failure)

        return call

    def _register_plugins(self) -> None:
        found = plugins()
        found.call("register_editor", server=self)
        for name, failure in found.broken.items():
            log.error("the plugin %s failed", name, exc_info=failure)
            self.broken_plugins.append(name)

    # -- life

    def prepare(self, params: types.InitializeParams) -> None:
        """Learn who the client is; called by the protocol while it answers `initialize`."""
        given = params.initialization_options
        options = given if isinstance(given, dict) else {}
        wanted = options.get("language")
        self._language = choose(wanted if isinstance(wanted, str) else params.locale)
        self.client = ClientAbilities.of(params.capabilities)
        self.documents = Documents(self.protocol.workspace)
        self.configuration.start_with(options)

    def _spawned(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.report_failure(failure)

    # -- the host's news

    def host_event(self, event: dict[str, Any]) -> None:
        """The host published `event`."""
        if event.get("type") == "status":
            self.status.forward(event)
        elif event.get("type") == "notice":
            from ide_agent.errors import from_wire

            self.say(from_wire(event["error"]).message(self.language), types.MessageType.Warning)

    def host_ready(self) -> None:
        """The host answers; its own status event says more."""
        if self.status.last.state in ("starting", "error"):
            self.status.show("ready")
        self.panels.host_ready()

    def host_lost(self) -> None:
        """The host died and is being restarted."""
        from ide_agent.errors import HostUnavailable

        text = HostUnavailable().message(self.language)
        self.status.show("starting", message=text)
        self.say(text, types.MessageType.Warning)

    def host_failed(self, error: IdeAgentError) -> None:
        """The host could not be started; said once for the same reason in a row."""
        text = error.message(self.language)
        if self.status.last.message != text:
            self.say(text, types.MessageType.Error)
        self.status.show("error", message=text)


def params_type(handler: Callable[..., Any]) -> type | None:
    """The attrs class that the second parameter of ``(ls, params)`` is annotated with; None for ``(ls)``.

    Raises:
        TypeError: there are more parameters, or the annotation is something else or for type checkers only.
    """
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    if not parameters:
        return None
    annotation = parameters[0].annotation
    if isinstance(annotation, str):
        annotation = getattr(handler, "__globals__", {}).get(annotation)
    if len(parameters) > 1 or not isinstance(annotation, type) or not attrs.has(annotation):
        raise TypeError(f"{handler.__qualname__} must be (ls, params: SomeAttrsClass)")
    return annotation


def _may_be_shared(method: str) -> bool:
    known = types.METHOD_TO_TYPES.get(method)
    return method == types.SHUTDOWN or (known is not None and known[1] is None)
