"""Panels on their way from the host to the client: shown, kept up to date, and what the user does in them.

A client that draws panels gets `ideAgent/panel/show` and `ideAgent/panel/patch`; for any other one the host's
own page opens in the browser. When the host dies, its panels are shown anew as soon as it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from ide_agent.editor.messages import (
    PANEL_CLOSE,
    PANEL_EVENT,
    PANEL_PATCH,
    PANEL_SHOW,
    PanelCloseParams,
    PanelEventParams,
    PanelOpenParams,
)
from ide_agent.errors import HostUnavailable, IdeAgentError

if TYPE_CHECKING:
    from ide_agent.editor.server import EditorServer

OPEN = "ideAgent.panels.open"
LIST = "ideAgent.panels.list"
_PATIENCE_SECONDS = 3600.0  # what a button does may take as long as reading a large file
_AGAIN_SECONDS = 2.0


class Panels:
    """The panels that one client shows."""

    def __init__(self, server: EditorServer) -> None:
        self._server = server
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._back = asyncio.Event()
        self._followed: dict[tuple[str, str], Callable[[], Awaitable[bool]]] = {}

    def follow(self, name: str, action: str, then: Callable[[], Awaitable[bool]]) -> None:
        """Where somebody chose `action` in the panel called `name`, do `then` as well: what only editors can.

        If it says that it did so, what the host said for those without an editor is left out.
        """
        self._followed[name, action] = then

    async def open(self, name: str) -> dict[str, str]:
        """Show the panel called `name`; its id, or the address at which the browser shows it.

        Raises:
            IdeAgentError: there is none, or the host cannot be reached.
        """
        if not self._server.client.panels:
            return {"url": await self._in_browser(name)}
        language = self._server.language
        id = f"{name}@{language}"
        shown: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        before = self._watching.pop(id, None)
        if before is not None:
            before.cancel()
        task = self._server.spawn(self._watch(id, shown))
        self._watching[id] = task
        await asyncio.wait([shown, task], return_when=asyncio.FIRST_COMPLETED)
        if shown.done():
            shown.result()
        return {"panel": id}

    async def show_file(self, file: Path) -> bool:
        """Open `file` in the editor; whether it did."""
        if not self._server.client.show_document:
            return False
        wanted = types.ShowDocumentParams(file.as_uri(), external=False, take_focus=True)
        try:
            return (await self._server.window_show_document_async(wanted)).success
        except JsonRpcException:
            return False

    async def act(self, id: str, event: dict[str, Any]) -> dict[str, Any]:
        """What the user did in the panel `id`; what to tell him.

        Raises:
            IdeAgentError: what the panel says to that.
        """
        answer = await self._server.host.request(
            "POST", _path(id, "/event"), event, timeout=_PATIENCE_SECONDS
        )
        then = self._followed.get((id.partition("@")[0], str(event.get("action"))))
        return {**answer, "message": ""} if then is not None and await then() else answer

    def close(self, id: str) -> None:
        """The user closed it."""
        task = self._watching.pop(id, None)
        if task is not None:
            task.cancel()

    def host_ready(self) -> None:
        """The host is there, perhaps again."""
        back, self._back = self._back, asyncio.Event()
        back.set()

    async def _watch(self, id: str, shown: asyncio.Future[None]) -> None:
        """Pass on what the host says of the panel until the client closes it."""
        host, notify = self._server.host, self._server.protocol.notify
        while True:
            connection = host.connection
            try:
                async with aclosing(host.stream(_path(id, "/events"), None, method="GET")) as events:
                    async for event in events:
                        connection = host.connection
                        if event["type"] == "patch":
                            notify(PANEL_PATCH, event["patch"])
                        elif event["type"] == "show":
                            notify(PANEL_SHOW, {"panel": event["panel"]})
                            if not shown.done():
                                shown.set_result(None)
                if not shown.done():
                    raise HostUnavailable()  # it had nothing to show
            except IdeAgentError as failure:
                if not shown.done():
                    shown.set_exception(failure)
                    return
                if not isinstance(failure, HostUnavailable):
                    self._server.report_failure(failure)
                    await self._back.wait()
            if connection is not None and host.connection is connection:
                await asyncio.sleep(_AGAIN_SECONDS)  # the host lives, or nobody has noticed yet
            # If it died, the user was told, and it is being restarted; one that was stopped is not, for this.
            while host.connection is None:
                await self._back.wait()

    async def _in_browser(self, name: str) -> str:
        server = self._server
        id = f"{name}@{server.language}"
        url = str((await server.host.request("POST", _path(id, "/link")))["url"])
        if server.client.show_document:
            with suppress(JsonRpcException):
                answer = await server.window_show_document_async(
                    types.ShowDocumentParams(url, external=True, take_focus=True)
                )
                if answer.success:
                    return url
        server.say(url)
        return url


def _path(id: str, what: str) -> str:
    name, _, language = id.partition("@")
    return f"/panels/{quote(name, safe='')}{what}?language={quote(language)}"


def register(server: EditorServer) -> None:
    """Add commands and messages to `server`."""

    @server.command(OPEN)
    async def panels_open(ls: EditorServer, params: PanelOpenParams) -> dict[str, str]:
        return await ls.panels.open(params.name)

    @server.command(LIST)
    async def panels_list(ls: EditorServer) -> dict[str, Any]:
        return await ls.host.request("GET", f"/panels?language={ls.language}")

    @server.feature(PANEL_EVENT)
    async def panel_event(ls: EditorServer, params: PanelEventParams) -> dict[str, Any]:
        return await ls.panels.act(params.panel, params.event)

    @server.feature(PANEL_CLOSE)
    def panel_close(ls: EditorServer, params: PanelCloseParams) -> None:
        ls.panels.close(params.panel)
