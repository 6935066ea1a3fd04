"""A language server that answers from a script: docs/protocol.md, said what and when a test decides.

Run as `python scripted_server.py FOLDER`. The test keeps two things in FOLDER and reads a third there:

`script.json`, read again at every request:

- `hold`: a gate; nothing is answered before it opens.
- `status`: params of one `ideAgent/status`, sent after initialized.
- `ready`: a gate; when it opens, `ideAgent/status` says ready.
- `work`: title of a progress that begins after initialized and does not end.
- `engines`: those that the host names as its own.
- `tell`: text of one `window/showMessage`, sent after initialized; `kind`: which, an `Error` unless said.
- `ask`: `{message, actions}` of one `window/showMessageRequest`, sent after initialized.
- `fits`: `{message, actions}` of a question before a pull; with the second of `actions` nothing is pulled.
- `panels`, `patches`, `presses`: see `scripted_panels`.
- `rules`: what to suggest, the first that matches:
    - `id`: the completion id.
    - `after`: the text just before the cursor; the start of the suggestion, typed by hand, may follow it.
    - `chunks`: each the whole suggestion so far; the first is the answer, the others are sent as `more`.
    - `replace`: characters right of the cursor that the suggestion replaces.
    - `invoked`: true for suggestions that must be asked for.
    - `others`: `{id, text}` of further suggestions; there is one more of them each time the user asks again.
    - `broken`: true to fail when asked by hand.
    - `stubborn`: true to answer even after the request was cancelled.
    - `gates`: one for each chunk, the name of a file in `gates/` that lets it through; null: at once.

`gates/`: empty files.

`log.jsonl`: `{"kind", …}`, one line for each thing that came in or went out.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, it sees its own folder only
from support.scripted_panels import register as register_panels

POLL = 0.005
MODEL = {"name": "starter", "file": "/models/starter.gguf", "bytes": 92_000_000, "architecture": "llama"}
ANSWERS: dict[str, Any] = {
    "ideAgent.completion.accept": {"accepted": True},
    "ideAgent.models.list": {"models": [{**MODEL, "fim": False, "loaded": True}]},
    "ideAgent.host.status": {"version": "0.1.0", "pid": 4711, "uptime": 12, "engines": []},
    "ideAgent.host.restart": {"version": "0.1.0", "pid": 4712, "uptime": 0, "engines": []},
    "ideAgent.engine.native": {"engine": "llama-cpp-python", "tokensPerSecond": 60.0, "before": 30.0},
}


class Script:
    """The test's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> dict[str, Any]:
        """The script as it stands now."""
        content: dict[str, Any] = json.loads((self.folder / "script.json").read_text(encoding="utf-8"))
        return content

    def log(self, kind: str, **entry: Any) -> None:
        """Append one line for the test to read."""
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps({"kind": kind, **entry}) + "\n")

    def open(self, name: str | None) -> bool:
        """Whether the test lets `name` through."""
        return name is None or (self.folder / "gates" / name).exists()

    def match(self, before: str, invoked: bool) -> tuple[dict[str, Any], int] | None:
        """The first rule for the text before the cursor, and how much of its suggestion was typed already."""
        for rule in self.read().get("rules", []):
            if rule.get("invoked") and not invoked:
                continue
            whole = rule["chunks"][-1]
            for typed in range(len(whole) - 1, -1, -1):
                if before.endswith(rule["after"] + whole[:typed]):
                    return rule, typed
        return None


class ScriptedServer(LanguageServer):
    """A language server that says what its script says."""

    def __init__(self, script: Script) -> None:
        super().__init__("scripted", "1")
        self.script = script
        self.streams: set[asyncio.Task[None]] = set()
        self._place: object = None
        self._others = 0

    async def initialized(self) -> None:
        """Send what the script wants said first."""
        content = self.script.read()
        if "status" in content:
            self.protocol.notify("ideAgent/status", content["status"])
        if "work" in content:
            await self.work_done_progress.create_async("work")
            self.work_done_progress.begin("work", lsp.WorkDoneProgressBegin(title=content["work"]))
            self.script.log("work")
        if "tell" in content:
            self.window_show_message(
                lsp.ShowMessageParams(
                    type=lsp.MessageType[content.get("kind", "Error")], message=content["tell"]
                )
            )
        if "ready" in content:
            while not self.script.open(content["ready"]):
                await asyncio.sleep(POLL)
            self.protocol.notify("ideAgent/status", {"state": "ready", "model": "starter"})
        if "ask" in content:
            await self.ask(content["ask"])

    async def ask(self, question: dict[str, Any]) -> str | None:
        """What the user chooses of `{message, actions}`."""
        actions = [lsp.MessageActionItem(title=title) for title in question["actions"]]
        chosen = await self.window_show_message_request_async(
            lsp.ShowMessageRequestParams(lsp.MessageType.Info, question["message"], actions)
        )
        title = chosen.title if chosen else None
        self.script.log("chosen", title=title)
        return title

    async def pull(self, name: str) -> dict[str, Any]:
        """Fetch a model as the real one does: what does not fit is asked about, then there is progress."""
        fits = self.script.read().get("fits")
        if fits is not None and await self.ask(fits) != fits["actions"][0]:
            return {}
        await self.work_done_progress.create_async("pull")
        self.work_done_progress.begin("pull", lsp.WorkDoneProgressBegin(title=f"Downloading {name}"))
        self.work_done_progress.end("pull", lsp.WorkDoneProgressEnd())
        return {"name": name, "file": MODEL["file"], "bytes": MODEL["bytes"]}

    async def complete(self, params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList:
        """Answer with the first chunk that is let through; the others follow by themselves."""
        for stream in self.streams:
            stream.cancel()
        document = self.workspace.get_text_document(params.text_document.uri)
        version = document.version
        lines = document.source.replace("\r\n", "\n").split("\n")
        at = self.workspace.position_codec.position_from_client_units(lines, params.position)
        before = "\n".join([*lines[: at.line], lines[at.line][: at.character]])
        invoked = params.context.trigger_kind is lsp.InlineCompletionTriggerKind.Invoked
        self.script.log("request", before=before, after=lines[at.line][at.character :], invoked=invoked)
        found = self.script.match(before, invoked)
        if found is None:
            return lsp.InlineCompletionList(items=[])
        rule, typed = found
        if invoked and rule.get("broken"):
            raise RuntimeError("the script says so")
        gates = rule.get("gates", [None] * len(rule["chunks"]))
        try:
            while not (
                ready := [
                    i for i, c in enumerate(rule["chunks"]) if len(c) > typed and self.script.open(gates[i])
                ]
            ):
                await asyncio.sleep(POLL)
        except asyncio.CancelledError:
            self.script.log("cancelled", before=before)
            if not rule.get("stubborn"):
                raise
            ready = [0]
        first = ready[-1] if typed else ready[0]
        end = lsp.Position(at.line, at.character + rule.get("replace", 0))
        popup = params.context.selected_completion_info
        start = popup.range.start if popup else params.position
        lead = lines[at.line][start.character : at.character]
        span = lsp.Range(start=start, end=self.workspace.position_codec.position_to_client_units(lines, end))
        newline = "\r\n" if "\r\n" in document.source else "\n"
        texts = [lead + chunk[typed:].replace("\n", newline) for chunk in rule["chunks"]]
        if len(texts) > first + 1:
            stream = asyncio.create_task(
                self.stream(params.text_document.uri, version, rule["id"], span, texts, gates, first + 1)
            )
            self.streams.add(stream)
            stream.add_done_callback(self.streams.discard)
        self.script.log("answer", id=rule["id"], text=texts[first], before=before)
        place = params.text_document.uri, version, at.line, at.character
        self._others = self._others + 1 if invoked and place == self._place else 0
        self._place = place
        items = [(rule["id"], texts[first])]
        items += [(other["id"], lead + other["text"]) for other in rule.get("others", [])[: self._others]]
        return lsp.InlineCompletionList(
            items=[
                lsp.InlineCompletionItem(
                    insert_text=text,
                    filter_text=lines[at.line][: start.character] + text,
                    range=span,
                    command=lsp.Command(
                        title="",
                        command="ideAgent.completion.accept",
                        arguments=[{"completionId": identity}],
                    ),
                )
                for identity, text in items
            ]
        )

    async def stream(
        self,
        uri: str,
        version: int | None,
        identity: str,
        span: lsp.Range,
        texts: list[str],
        gates: list[str | None],
        start: int,
    ) -> None:
        """Send the chunks from `start` on, each when its gate opens."""
        for i in range(start, len(texts)):
            while not self.script.open(gates[i]):
                await asyncio.sleep(POLL)
            self.protocol.notify(
                "ideAgent/inlineCompletion/more",
                {
                    "textDocument": {"uri": uri, "version": version},
                    "completionId": identity,
                    "insertText": texts[i],
                    "range": span,
                    "done": i == len(texts) - 1,
                },
            )
            self.script.log("more", id=identity, text=texts[i])


def _plain(value: Any) -> Any:
    """What pygls makes of custom parameters (named tuples), as JSON has it."""
    if hasattr(value, "_asdict"):
        return {key: _plain(item) for key, item in value._asdict().items()}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def build(script: Script) -> ScriptedServer:
    """The server with its handlers."""
    server = ScriptedServer(script)

    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        script.log(
            "initialize",
            pid=os.getpid(),
            experimental=_plain(params.capabilities.experimental),
            options=_plain(params.initialization_options),
            folders=[folder.name for folder in params.workspace_folders or []],
        )

    @server.feature(lsp.INITIALIZED)
    async def initialized(params: lsp.InitializedParams) -> None:
        await server.initialized()

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        script.log("open", uri=params.text_document.uri, language=params.text_document.language_id)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        source = server.workspace.get_text_document(params.text_document.uri).source
        script.log("change", version=params.text_document.version, text=source)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders(params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        script.log("folders", added=[folder.name for folder in params.event.added])

    @server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())
    async def complete(params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList:
        return await server.complete(params)

    @server.feature("ideAgent/inlineCompletion/event")
    def event(params: Any) -> None:
        script.log("event", event=_plain(params))

    def command(name: str, answer: Any) -> None:
        @server.command(name)
        def run(params: Any) -> Any:
            script.log("command", command=name, argument=_plain(params))
            if name == "ideAgent.host.status":
                return {**answer, "engines": script.read().get("engines", [])}
            return answer

    for name, answer in ANSWERS.items():
        command(name, answer)

    @server.command("ideAgent.models.pull")
    async def pull(params: Any) -> Any:
        script.log("command", command="ideAgent.models.pull", argument=_plain(params))
        return await server.pull(_plain(params)["name"])

    @server.command("ideAgent.completion.toggle")
    def toggle(params: Any) -> Any:
        wanted = _plain(params)["enabled"]
        script.log("command", command="ideAgent.completion.toggle", argument=_plain(params))
        server.protocol.notify("ideAgent/status", {"state": "ready" if wanted else "off"})
        return {"enabled": wanted}

    register_panels(server, _plain)
    return server


def main() -> None:
    """Serve over stdio until the editor leaves."""
    folder = Path(sys.argv[1])
    (folder / "gates").mkdir(parents=True, exist_ok=True)
    script = Script(folder)
    while not script.open(script.read().get("hold")):
        time.sleep(POLL)
    build(script).start_io()


if __name__ == "__main__":
    main()
