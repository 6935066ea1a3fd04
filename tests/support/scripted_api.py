"""A real OpenAI-compatible API on loopback that answers as a script says."""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Exchange"], None]


class Exchange(BaseHTTPRequestHandler):
    """One request and what a behaviour needs to answer it."""

    protocol_version = "HTTP/1.1"
    server: _Server
    payload: Any = None

    @property
    def api(self) -> ScriptedApi:
        """The API that this request came to."""
        return self.server.api

    def do_POST(self) -> None:
        """Answer as the script says."""
        self.payload = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        self._answer()

    def do_GET(self) -> None:
        """Answer ``/models``."""
        self._answer()

    def _answer(self) -> None:
        self.close_connection = True
        with suppress(ConnectionError):
            self.api.behaviour(self)(self)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status line and headers."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def event(self, event: Any) -> None:
        """Send one event of a stream."""
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: ScriptedApi


class ScriptedApi:
    """Each POST takes the next behaviour of `script`; when there is none left, `normal` follows.

    Args:
        address: where to listen.

    Attributes:
        models: what ``GET /v1/models`` lists.
        listing: how it does.
        script: behaviours to come.
        asked: path and payload of each request.
        headers: of each request, by lower-case name.
        left: set when a behaviour has seen that the caller is gone.
        released: lets stalled answers end.
    """

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.models = ["small", "large"]
        self.listing: Behaviour = models
        self.script: deque[Behaviour] = deque()
        self.asked: list[tuple[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.left = threading.Event()
        self.released = threading.Event()
        self._server = _Server((address, 0), Exchange)
        self._server.api = self
        self.url = f"http://{address}:{self._server.server_port}/v1"

    def behaviour(self, exchange: Exchange) -> Behaviour:
        """Note the request and choose how it is answered."""
        self.asked.append((exchange.path, exchange.payload))
        self.headers.append({name.lower(): value for name, value in exchange.headers.items()})
        if exchange.path.endswith("/models"):
            return self.listing
        return self.script.popleft() if self.script else says("Hello")

    @contextmanager
    def running(self) -> Iterator[ScriptedApi]:
        """Serve while the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def models(exchange: Exchange) -> None:
    """The list of models."""
    _json(exchange, 200, {"object": "list", "data": [{"id": each} for each in exchange.api.models]})


def says(*pieces: str, usage: dict[str, Any] | None = None) -> Behaviour:
    """A chat answer of these pieces, streamed if it is wanted so."""
    counted = {"prompt_tokens": 7, "completion_tokens": len(pieces)} if usage is None else usage

    def behave(exchange: Exchange) -> None:
        if not exchange.payload.get("stream"):
            message = {"role": "assistant", "content": "".join(pieces)}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            _json(
                exchange,
                200,
                {"object": "chat.completion", "model": "m", "choices": choices, "usage": counted},
            )
            return
        exchange.head(200, {"Content-Type": "text/event-stream"})
        exchange.wfile.write(b": a comment\n\n")
        for piece in pieces:
            exchange.event(_chunk({"content": piece}))
        exchange.event(_chunk({}, "stop"))
        if (exchange.payload.get("stream_options") or {}).get("include_usage"):
            exchange.event({"object": "chat.completion.chunk", "model": "m", "choices": [], "usage": counted})
        exchange.wfile.write(b"data: [DONE]\n\n")

    return behave


def writes(*pieces: str, finish: str = "stop") -> Behaviour:
    """A streamed answer of these pieces to ``/completions``."""

    def behave(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Type": "text/event-stream"})
        for piece in pieces:
            exchange.event(_text_chunk(piece))
        exchange.event(_text_chunk("", finish))
        counted = {"prompt_tokens": 7, "completion_tokens": len(pieces)}
        exchange.event({"object": "text_completion", "model": "m", "choices": [], "usage": counted})
        exchange.wfile.write(b"data: [DONE]\n\n")

    return behave


def echoes(size: int) -> Behaviour:
    """Says the last message again, in pieces of `size` characters."""

    def behave(exchange: Exchange) -> None:
        text = exchange.payload["messages"][-1]["content"]
        says(*(text[at : at + size] for at in range(0, len(text), size)))(exchange)

    return behave


def ranks(exchange: Exchange) -> None:
    """Says the documents again, the last one first."""
    found = [
        {"index": index, "relevance_score": index / 10, "document": text}
        for index, text in enumerate(exchange.payload["documents"])
    ]
    _json(exchange, 200, {"model": "m", "results": found[::-1], "usage": {"total_tokens": 9}})


def refuses(status: int, message: str = "no", **headers: str) -> Behaviour:
    """An error answer."""

    def behave(exchange: Exchange) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        _json(exchange, status, {"error": {"message": message}}, named)

    return behave


def cut_after(*pieces: str) -> Behaviour:
    """Begins a stream, then breaks the connection off."""

    def behave(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Type": "text/event-stream"})
        for piece in pieces:
            exchange.event(_chunk({"content": piece}))
        exchange.connection.shutdown(socket.SHUT_RDWR)

    return behave


def endless(exchange: Exchange) -> None:
    """A stream that ends only when its reader is gone."""
    exchange.head(200, {"Content-Type": "text/event-stream"})
    try:
        while not exchange.api.released.is_set():
            exchange.event(_chunk({"content": "and "}))
    except OSError:
        exchange.api.left.set()


def silent(exchange: Exchange) -> None:
    """Takes the request and says nothing until the test is over."""
    exchange.api.released.wait(60)


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def _text_chunk(text: str, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "text": text, "finish_reason": finish}
    return {"object": "text_completion", "model": "m", "choices": [choice]}


def _json(exchange: Exchange, status: int, answer: Any, headers: Mapping[str, str] | None = None) -> None:
    body = json.dumps(answer).encode()
    length = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    exchange.head(status, {**length, **(headers or {})})
    exchange.wfile.write(body)
