"""LSP surface: diagnostics, completion and hover in files of rules, and ``ideAgent.routes.open``.

Nothing of a file is understood here; the host is asked, for it has the parser and knows the models.
"""

from __future__ import annotations

import asyncio
from typing import Any

from lsprotocol import types
from pygls.workspace import ServerTextPosition

from ide_agent.editor.documents import Document
from ide_agent.editor.server import EditorServer
from ide_agent.errors import IdeAgentError
from ide_agent.paths import routes_file

OPEN = "ideAgent.routes.open"
WORKSPACE_FILE = ".ide-agent-routes.yaml"  # as in inference.routing.router, which is the host's
_PAUSE_SECONDS = 0.2
_SOURCE = "ide-agent"
_SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}
_KINDS = {"key": types.CompletionItemKind.Property, "value": types.CompletionItemKind.Value}


class RoutesFeature:
    """Help with files of rules, for one editor."""

    def __init__(self, server: EditorServer) -> None:
        self._server = server
        self._checks: dict[str, asyncio.Task[None]] = {}

    def look(self, uri: str) -> None:
        """The document came or changed: check it as soon as it rests."""
        document = self._document(uri)
        if document is None:
            return
        self.forget(uri)
        self._checks[uri] = self._server.spawn(self._check(document))

    def forget(self, uri: str) -> None:
        """Stop checking it."""
        task = self._checks.pop(uri, None)
        if task is not None:
            task.cancel()

    def closed(self, uri: str) -> None:
        """The document is gone, and with it what was wrong."""
        if uri in self._checks:
            self.forget(uri)
            self._server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    async def complete(self, params: types.CompletionParams) -> types.CompletionList | None:
        """What may stand at a place; None where it is none of ours."""
        document = self._document(params.text_document.uri)
        if document is None:
            return None
        at = document.position_from_client_units(params.position)
        found = await self._assist(document, at.line, at.character)
        items = [_completion(document, each, at.line, params.position) for each in found["completions"]]
        return types.CompletionList(is_incomplete=False, items=items)

    async def hover(self, params: types.HoverParams) -> types.Hover | None:
        """What a key means; None where there is none of ours."""
        document = self._document(params.text_document.uri)
        if document is None:
            return None
        at = document.position_from_client_units(params.position)
        found = (await self._assist(document, at.line, at.character))["hover"]
        if found is None:
            return None
        where = _range(document, at.line, found["start"], at.line, found["end"])
        return types.Hover(types.MarkupContent(types.MarkupKind.PlainText, found["text"]), where)

    async def _check(self, document: Document) -> None:
        await asyncio.sleep(_PAUSE_SECONDS)
        version = document.version
        try:
            answer = await self._server.host.request("POST", "/routes/check", self._body(document))
        except IdeAgentError:
            return  # said where the host is watched
        if document.version == version:
            diagnostics = [_diagnostic(document, each) for each in answer["problems"]]
            self._server.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(document.uri, diagnostics, version)
            )

    async def _assist(self, document: Document, line: int, column: int) -> dict[str, Any]:
        body = {**self._body(document), "line": line, "column": column}
        try:
            return await self._server.host.request("POST", "/routes/assist", body)
        except IdeAgentError:  # said where the host is watched
            return {"completions": [], "hover": None}

    def _body(self, document: Document) -> dict[str, Any]:
        return {
            "text": "\n".join(line.rstrip("\r\n") for line in document.lines),
            "language": self._server.language,
            "workspace": document.file is not None and document.file.name == WORKSPACE_FILE,
        }

    def _document(self, uri: str) -> Document | None:
        """The document, if it is a file of rules."""
        document = self._server.documents.get(uri)
        if document is None or document.file is None:
            return None
        ours = document.file.name == WORKSPACE_FILE or _same(document.file, routes_file())
        return document if ours else None


def _same(one: Any, other: Any) -> bool:
    return bool(one.name == other.name) and bool(one == other or one.resolve() == other.resolve())


def _range(document: Document, line: int, column: int, end_line: int, end_column: int) -> types.Range:
    start, end = ServerTextPosition(line, column), ServerTextPosition(end_line, end_column)
    return types.Range(document.position_to_client_units(start), document.position_to_client_units(end))


def _diagnostic(document: Document, problem: dict[str, Any]) -> types.Diagnostic:
    return types.Diagnostic(
        range=_range(document, **problem["range"]),
        message=problem["message"],
        severity=_SEVERITIES[problem["severity"]],
        code=problem["code"].rpartition(".")[2],  # without where the message lies: people see it
        source=_SOURCE,
    )


def _completion(
    document: Document, item: dict[str, Any], line: int, cursor: types.Position
) -> types.CompletionItem:
    start = document.position_to_client_units(ServerTextPosition(line, item["start"]))
    return types.CompletionItem(
        label=item["label"],
        kind=_KINDS[item["kind"]],
        documentation=item["documentation"] or None,
        filter_text=item["label"],  # Neovim filters by nothing else
        text_edit=types.TextEdit(types.Range(start, cursor), item["insert"]),
    )


def register(server: EditorServer) -> None:
    """Add all of it to `server`."""
    feature = RoutesFeature(server)
    selector = [
        types.TextDocumentFilterPattern(scheme="file", pattern=f"**/{name}")
        for name in (routes_file().name, WORKSPACE_FILE)
    ]

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(ls: EditorServer, params: types.DidOpenTextDocumentParams) -> None:
        feature.look(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(ls: EditorServer, params: types.DidChangeTextDocumentParams) -> None:
        feature.look(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(ls: EditorServer, params: types.DidCloseTextDocumentParams) -> None:
        feature.closed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions())
    async def completion(ls: EditorServer, params: types.CompletionParams) -> types.CompletionList | None:
        return await feature.complete(params)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(ls: EditorServer, params: types.HoverParams) -> types.Hover | None:
        return await feature.hover(params)

    server.scoped.add(
        types.Registration(
            "routes-completion",
            types.TEXT_DOCUMENT_COMPLETION,
            types.CompletionRegistrationOptions(
                document_selector=selector, trigger_characters=[" ", "{", "["]
            ),
        )
    )
    server.scoped.add(
        types.Registration(
            "routes-hover",
            types.TEXT_DOCUMENT_HOVER,
            types.HoverRegistrationOptions(document_selector=selector),
        )
    )

    async def show_models() -> bool:
        if not server.client.panels:
            return False
        await server.panels.open("hub")
        return True

    server.panels.follow("routes", "edit", lambda: server.panels.show_file(routes_file()))
    server.panels.follow("routes", "models", show_models)

    @server.command(OPEN)
    async def open_panel(ls: EditorServer) -> dict[str, str]:
        return await ls.panels.open("routes")
