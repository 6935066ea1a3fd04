"""The extension contract: all that a feature, built in or from PyPI, may hook into.

A plugin is a module named by an entry point of the group ``ide_agent.plugins``. It implements any of the
functions of `Hooks`, marked with `hookimpl`, and imports what is heavy inside them, never at its top.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pluggy

from ide_agent.errors import IdeAgentError

if TYPE_CHECKING:
    import typer

    from ide_agent.editor.server import EditorServer
    from ide_agent.host.services import Services

GROUP = "ide_agent.plugins"
hookspec = pluggy.HookspecMarker("ide_agent")
hookimpl = pluggy.HookimplMarker("ide_agent")


class Hooks:
    """What a plugin can implement. Every hook is optional."""

    @hookspec
    def register_editor(self, server: EditorServer) -> None:
        """In the lsp process, before `initialize`: add LSP features and commands to `server`."""

    @hookspec
    def register_host(self, services: Services) -> None:
        """In the host: add routers to ``services.app`` and start/stop callbacks."""

    @hookspec
    def register_cli(self, app: typer.Typer) -> None:
        """Add commands to `ide-agent`."""


class Plugins(pluggy.PluginManager):
    """The plugins of this process. One that fails is left out; all others work without it.

    Attributes:
        broken: what went wrong, by the name of the plugin that it went wrong in.
    """

    def __init__(self) -> None:
        super().__init__("ide_agent")
        self.add_hookspecs(Hooks)
        self.broken: dict[str, BaseException] = {}
        self._none_found = False

    @property
    def problems(self) -> list[IdeAgentError]:
        """`broken`, for a person to read; and that there is none, not even our own."""
        if self._none_found:
            return [IdeAgentError("error.plugin.none")]
        return [
            IdeAgentError("error.plugin.broken", name=name, reason=_why(failure))
            for name, failure in self.broken.items()
        ]

    def load(self) -> None:
        """Load all that are installed."""
        from importlib.metadata import entry_points

        found = entry_points(group=GROUP)
        self._none_found = not found  # a copy without what installing it writes, or in the middle of that
        for entry in found:
            if self.has_plugin(entry.name):
                continue
            try:
                self.register(entry.load(), entry.name)
            except (Exception, SystemExit) as failure:
                self.broken[entry.name] = failure

    def call(self, hook: str, **arguments: object) -> None:
        """Call the hook of that name in each plugin that has it."""
        for implementation in getattr(self.hook, hook).get_hookimpls():
            try:
                implementation.function(*(arguments[name] for name in implementation.argnames))
            except (Exception, SystemExit) as failure:
                self.broken[implementation.plugin_name] = failure


@cache
def plugins() -> Plugins:
    """The plugins that are installed, loaded once a process."""
    found = Plugins()
    found.load()
    return found


def _why(failure: BaseException) -> object:
    """What is missing in words; of all else its kind, too, for who wrote the plugin."""
    from ide_agent.reasons import reason_of

    found = reason_of(failure)
    return found if isinstance(found, dict) else f"{type(failure).__name__}: {failure}"
