"""LSP surface: the commands ``ideAgent.models.…``, and the offer of the starter model."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

import attrs
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from ide_agent.editor.progress import progress
from ide_agent.editor.server import EditorServer
from ide_agent.errors import IdeAgentError
from ide_agent.features.hub.words import describe, percent, pull_told, removal_told, size, too_big
from ide_agent.locale import translate
from ide_agent.paths import state_dir

STARTER = "starter"
_PANEL = "hub"
_FIT_SECONDS = 120.0  # a hub may be asked several times
_DECLINED = "starter-declined"


@attrs.define
class PullParams:
    """Argument of ``ideAgent.models.pull``.

    Attributes:
        name: the model, as in the catalogue; with a `url` what to call it.
        url: address of a GGUF file.
        sha256: its hash, to be checked.
        confirmed: the user was asked already whether it is to come where it does not fit.
    """

    name: str | None = None
    url: str = ""
    sha256: str = ""
    confirmed: bool = False


@attrs.define
class InfoParams:
    """Argument of ``ideAgent.models.info``, ``verify``, ``activate`` and ``deactivate``.

    Attributes:
        name: the model.
    """

    name: str


@attrs.define
class RemoveParams:
    """Argument of ``ideAgent.models.remove``.

    Attributes:
        name: the model.
        adapters: what was trained for it goes, too.
        confirmed: the user was asked already.
    """

    name: str
    adapters: bool = False
    confirmed: bool = False


def register(server: EditorServer) -> None:
    """Add commands and the offer to `server`."""

    @server.command("ideAgent.models.pull")
    async def models_pull(ls: EditorServer, params: PullParams) -> dict[str, Any]:
        given = {"name": params.name or STARTER}
        if params.url:
            given = {"url": params.url, "name": params.name or "", "sha256": params.sha256}
        if not params.confirmed and not await _fits(ls, given):
            return {}
        return await pull(ls, params.name or PurePosixPath(urlsplit(params.url).path).name or STARTER, given)

    @server.command("ideAgent.models.info")
    async def models_info(ls: EditorServer, params: InfoParams) -> dict[str, Any]:
        return await ls.host.request("GET", f"/models/{quote(params.name)}")

    @server.command("ideAgent.models.verify")
    async def models_verify(ls: EditorServer, params: InfoParams) -> dict[str, Any]:
        return await ls.host.request("POST", "/models/verify", {"name": params.name}, timeout=600)

    @server.command("ideAgent.models.activate")
    async def models_activate(ls: EditorServer, params: InfoParams) -> dict[str, Any]:
        ready: dict[str, Any] = {}
        async with aclosing(ls.host.stream("/models/activate", {"name": params.name})) as events:
            async for event in events:
                if event.get("phase") == "ready":
                    ready = {key: event[key] for key in ("name", "engine", "purpose")}
        return ready

    @server.command("ideAgent.models.deactivate")
    async def models_deactivate(ls: EditorServer, params: InfoParams) -> dict[str, Any]:
        return await ls.host.request("POST", "/models/deactivate", {"name": params.name}, timeout=600)

    @server.command("ideAgent.models.remove")
    async def models_remove(ls: EditorServer, params: RemoveParams) -> dict[str, Any]:
        return await remove(ls, params)

    @server.command("ideAgent.models.list")
    async def models_list(ls: EditorServer) -> dict[str, Any]:
        return await ls.host.request("GET", "/models")

    @server.feature(types.INITIALIZED)
    def initialized(ls: EditorServer, params: types.InitializedParams) -> None:
        ls.spawn(offer(ls))


async def pull(ls: EditorServer, name: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    """Pull model `name` through the host, with progress in the editor; what the last event said of the model.

    Args:
        ls: the server.
        name: as in the catalogue, or what to call it in the progress.
        body: what to ask the host for, if not that name.

    Raises:
        IdeAgentError: it cannot be had.
    """
    title = translate("hub.phase.title", ls.language, name=name)
    ready: dict[str, Any] = {}
    async with (
        progress(ls, title) as report,
        aclosing(ls.host.stream("/models/pull", body or {"name": name})) as events,
    ):
        async for event in events:
            if event.get("phase") == "ready":
                ready = {key: event[key] for key in ("name", "file", "bytes")}
                if said := pull_told(ready["name"], event, ls.language):
                    ls.say(said)
            else:
                report(describe(event, ls.language), percent(event))
    return ready


async def remove(ls: EditorServer, params: RemoveParams) -> dict[str, Any]:
    """Ask whether to remove a model, unless somebody did, and remove it; ``removed``: whether it is gone.

    Raises:
        IdeAgentError: it is not here, or cannot be removed, or the editor cannot ask.
    """
    path = f"/models/{quote(params.name)}?adapters={str(params.adapters).lower()}"
    if not params.confirmed:
        found = await ls.host.request("DELETE", f"{path}&dry_run=true")
        if not await _sure(ls, found, adapters=params.adapters):
            return {**found, "removed": False}
    gone = await ls.host.request("DELETE", f"{path}&force=true", timeout=600)
    if said := removal_told(gone.get("default", {}), ls.language):
        ls.say(said)
    return {**gone, "removed": True}


async def _sure(ls: EditorServer, found: dict[str, Any], *, adapters: bool) -> bool:
    """Whether the user wants to have that removed."""
    name, freed = found["name"], size(found["bytes"], ls.language)
    said = [translate("hub.confirm", ls.language, name=name, size=freed)]
    if found["loaded"]:
        said.insert(0, translate("hub.confirm_running", ls.language, name=name))
    if (own := found["adapters"]) is not None:
        about = {"count": own["count"], "size": size(own["bytes"], ls.language), "folder": own["folder"]}
        key = "hub.adapters_go" if adapters else "hub.adapters_remain"
        said.append(translate(key, ls.language, **about))
    return await _chosen(ls, " ".join(said), "hub.panel.remove", "hub.keep", name)


async def _fits(ls: EditorServer, given: dict[str, str]) -> bool:
    """Whether what is to be pulled may fit, or the user wants it all the same."""
    try:
        found = await ls.host.request("POST", "/models/fit", given, timeout=_FIT_SECONDS)
    except IdeAgentError:
        return True  # what is wrong is told where it is pulled
    name = found["name"]
    said = "" if found["here"] else too_big(name, found, ls.language)
    return not said or await _chosen(ls, said, "hub.panel.pull_anyway", "hub.unfit.leave", name)


async def _chosen(ls: EditorServer, question: str, yes: str, no: str, name: str) -> bool:
    """Whether the user chooses `yes`, a message key as `no` is.

    Raises:
        IdeAgentError: the editor cannot ask.
    """
    items = [types.MessageActionItem(translate(key, ls.language)) for key in (yes, no)]
    asked = types.ShowMessageRequestParams(types.MessageType.Warning, question, items)
    try:
        answer = await ls.window_show_message_request_async(asked)
    except JsonRpcException:
        raise IdeAgentError("error.model.unconfirmed", name=name, question=question) from None
    return answer is not None and answer.title == items[0].title


async def offer(ls: EditorServer) -> None:
    """On a machine without any model, ask once whether to pull the starter model or to see others, and do so.

    "Not now" is remembered; a question that was closed without an answer comes again with the next start.
    """
    await ls.configuration.ready()  # which may choose another language
    try:
        if (await ls.host.request("GET", "/models"))["models"]:
            return
    except IdeAgentError:
        return  # the host cannot be reached, which is reported where it is started
    text = IdeAgentError("error.model.none").message(ls.language)
    ls.status.show("noModel", message=text)
    declined = state_dir() / _DECLINED
    if declined.exists():
        return
    yes, others, no = (
        types.MessageActionItem(translate(f"hub.offer.{key}", ls.language))
        for key in ("download", "others", "later")
    )
    question = types.ShowMessageRequestParams(
        types.MessageType.Info, translate("hub.offer.question", ls.language), [yes, others, no]
    )
    try:
        answer = await ls.window_show_message_request_async(question)
    except JsonRpcException:
        return  # a client that cannot ask; the status and the documentation name the command
    if answer is None:
        return
    if answer.title == no.title:
        declined.touch()
    elif answer.title == others.title:
        await ls.panels.open(_PANEL)
    else:
        model = await pull(ls, STARTER)
        ls.say(translate("hub.ready", ls.language, **model))
