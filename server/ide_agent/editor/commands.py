"""The commands of the core: the host, and the native engine."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from ide_agent.editor.progress import progress
from ide_agent.editor.server import EditorServer
from ide_agent.locale import translate

_NARRATIVE = ("type", "phase", "message", "code", "params")


def register(server: EditorServer) -> None:
    """Add the commands to `server`."""

    @server.command("ideAgent.host.status")
    async def host_status(ls: EditorServer) -> dict[str, Any]:
        return await ls.host.request("GET", "/status")

    @server.command("ideAgent.host.restart")
    async def host_restart(ls: EditorServer) -> dict[str, Any]:
        async with progress(ls, translate("editor.host.restarting", ls.language), cancellable=False):
            await ls.host.restart()
            return await ls.host.request("GET", "/status")

    @server.command("ideAgent.engine.native")
    async def engine_native(ls: EditorServer) -> dict[str, Any]:
        last: dict[str, Any] = {}
        async with (
            progress(ls, translate("editor.native.title", ls.language)) as report,
            aclosing(ls.host.stream("/engine/native", {})) as events,
        ):
            async for event in events:
                last = event
                report(_words(event, ls.language), event.get("progress"))
        return {_camel(key): value for key, value in last.items() if key not in _NARRATIVE}


def _words(event: dict[str, Any], language: str) -> str | None:
    """What an event says, in the user's language if it names a message key."""
    code = event.get("code")
    return translate(code, language, **event.get("params", {})) if code else event.get("message")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
