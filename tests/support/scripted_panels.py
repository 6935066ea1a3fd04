"""The panels of `scripted_server`: what it shows, how that changes, and what becomes of a press.

In `script.json`:

- `panels`: by name, what `ideAgent.panels.open` shows; the id is the panel's own.
- `patches`: `{gate, patch}` each, sent in this order once the panel was opened, each when its gate opens.
- `presses`: by action, `{message}` or `{error}` to answer with, after the gate `gate` where there is one;
  `shows`: the address of a file that is shown before.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from support.scripted_server import ScriptedServer

POLL = 0.005
REQUEST_FAILED = -32803


def register(server: ScriptedServer, plain: Any) -> None:
    """Add commands and messages to `server`; `plain` makes JSON of their params."""
    script = server.script
    sending: set[asyncio.Task[None]] = set()

    async def send(patches: list[dict[str, Any]]) -> None:
        for step in patches:
            while not script.open(step.get("gate")):
                await asyncio.sleep(POLL)
            server.protocol.notify("ideAgent/panel/patch", step["patch"])

    @server.command("ideAgent.panels.open")
    def panels_open(params: Any) -> Any:
        content = script.read()
        name = plain(params)["name"]
        script.log("command", command="ideAgent.panels.open", argument=plain(params))
        panel = content.get("panels", {}).get(name)
        if panel is None:
            raise _refused(f"no panel {name}")
        server.protocol.notify("ideAgent/panel/show", {"panel": panel})
        task = asyncio.get_running_loop().create_task(send(content.get("patches", [])))
        sending.add(task)
        task.add_done_callback(sending.discard)
        return {"panel": panel["id"]}

    @server.command("ideAgent.panels.list")
    def panels_list(params: Any) -> Any:
        panels = script.read().get("panels", {})
        return {"panels": [{"name": name, "title": panel["title"]} for name, panel in panels.items()]}

    @server.feature("ideAgent/panel/event")
    async def event(params: Any) -> Any:
        said = plain(params)
        script.log("press", **said)
        answer = script.read().get("presses", {}).get(said["event"]["action"], {})
        while not script.open(answer.get("gate")):
            await asyncio.sleep(POLL)
        if "shows" in answer:
            wanted = types.ShowDocumentParams(answer["shows"], external=False, take_focus=True)
            shown = await server.window_show_document_async(wanted)
            script.log("shown", success=shown.success)
        if "error" in answer:
            raise _refused(answer["error"])
        return {"message": answer.get("message", ""), "level": answer.get("level", "info")}

    @server.feature("ideAgent/panel/close")
    def close(params: Any) -> None:
        script.log("close", **plain(params))


def _refused(message: str) -> JsonRpcException:
    return JsonRpcException(message, REQUEST_FAILED)
