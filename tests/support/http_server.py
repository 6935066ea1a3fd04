"""A real HTTP server on loopback that serves one file and misbehaves on demand."""

from __future__ import annotations

import re
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

    @property
    def files(self) -> FileServer:
        """The server that this request came to."""
        return self.server.files

    @property
    def start(self) -> int:
        """First byte that the request asks for; 0 without a Range header."""
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(match.group(1)) if match else 0

    def do_GET(self) -> None:
        """Answer as the next scripted behaviour says, or with the page that lies at this path."""
        self.close_connection = True
        with suppress(ConnectionError):
            if self.path in self.files.pages:
                page = self.files.pages[self.path]
                self.head(200, {"Content-Type": "text/html", "Content-Length": str(len(page))})
                self.wfile.write(page)
            elif self.path == self.files.path:
                self.files.next_behaviour(self)(self)
            else:
                self.head(404, {"Content-Length": "0"})

    def do_HEAD(self) -> None:
        """What pip asks before it reads a wheel in pieces: the answer names no ranges, so it does not."""
        self.close_connection = True
        self.head(200, {"Content-Length": str(len(self.files.content))})

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status line and headers."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    files: FileServer


class FileServer:
    """Serves `content`; each request takes the next behaviour of `script`, then `normal` ones follow.

    Attributes:
        content: the file.
        path: where it lies.
        etag: sent with it, and compared with If-Range.
        pages: HTML pages by path.
        script: behaviours to come.
        requests: headers of the requests so far.
        released: lets stalled answers end.
    """

    def __init__(self, content: bytes, path: str = "/pool/demo_model-1.0-py3-none-any.whl") -> None:
        self.content = content
        self.path = path
        self.etag = '"v1"'
        self.pages: dict[str, bytes] = {}
        self.script: deque[Behaviour] = deque()
        self.requests: list[dict[str, str]] = []
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Exchange)
        self._server.files = self

    @property
    def base(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Address of the file."""
        return self.base + self.path

    @property
    def ranges(self) -> list[str | None]:
        """The Range headers of the requests so far."""
        return [request.get("range") for request in self.requests]

    def next_behaviour(self, exchange: Exchange) -> Behaviour:
        """Record the request and choose how it is answered."""
        self.requests.append({name.lower(): value for name, value in exchange.headers.items()})
        return self.script.popleft() if self.script else normal

    @contextmanager
    def running(self) -> Iterator[FileServer]:
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


def parts(exchange: Exchange) -> None:
    """Exactly the bytes that are asked for."""
    asked = re.fullmatch(r"bytes=(\d+)-(\d+)", exchange.headers.get("Range", ""))
    if asked is None:
        normal(exchange)
        return
    content = exchange.files.content
    start, end = int(asked[1]), min(int(asked[2]) + 1, len(content))
    span = f"bytes {start}-{end - 1}/{len(content)}"
    exchange.head(206, {"Content-Range": span, "Content-Length": str(end - start)})
    exchange.wfile.write(content[start:end])


def normal(exchange: Exchange) -> None:
    """As a good server does: ranges, If-Range, 416 past the end."""
    send(exchange, exchange.files.content[exchange.start :])


def send(exchange: Exchange, body: bytes, *, claim: int | None = None, total: int | None = None) -> None:
    """Answer with `body`, which the headers say is `claim` bytes of a file of `total` bytes."""
    files = exchange.files
    total = len(files.content) if total is None else total
    start = exchange.start
    if_range = exchange.headers.get("If-Range")
    if start and if_range is not None and if_range != files.etag:
        ignore_range(exchange)
        return
    if start >= total > 0:
        exchange.head(416, {"Content-Range": f"bytes */{total}", "Content-Length": "0"})
        return
    headers = {"ETag": files.etag, "Content-Length": str(len(body) if claim is None else claim)}
    if start:
        headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
    exchange.head(206 if start else 200, headers)
    exchange.wfile.write(body)


def ignore_range(exchange: Exchange) -> None:
    """Always the whole file with status 200."""
    files = exchange.files
    exchange.head(200, {"ETag": files.etag, "Content-Length": str(len(files.content))})
    exchange.wfile.write(files.content)


def no_length(exchange: Exchange) -> None:
    """The whole file, its end marked by the end of the connection."""
    exchange.head(200, {})
    exchange.wfile.write(exchange.files.content)


def cut_after(count: int) -> Behaviour:
    """Send `count` bytes of what was asked for, then reset the connection."""

    def behave(exchange: Exchange) -> None:
        rest = exchange.files.content[exchange.start :]
        send(exchange, rest[:count], claim=len(rest))
        exchange.wfile.flush()
        exchange.connection.shutdown(socket.SHUT_RDWR)

    return behave


def stall_after(count: int) -> Behaviour:
    """Send `count` bytes, then nothing, without closing, until the test lets go."""

    def behave(exchange: Exchange) -> None:
        rest = exchange.files.content[exchange.start :]
        send(exchange, rest[:count], claim=len(rest))
        exchange.wfile.flush()
        exchange.files.released.wait(60)

    return behave


def status(code: int, **headers: str) -> Behaviour:
    """Answer with a bare status."""

    def behave(exchange: Exchange) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        exchange.head(code, {"Content-Length": "0", **named})

    return behave


def wrong_range(exchange: Exchange) -> None:
    """A 206 that starts somewhere else than asked."""
    total = len(exchange.files.content)
    headers = {"Content-Range": f"bytes 1-{total - 1}/{total}", "Content-Length": str(total - 1)}
    exchange.head(206, headers)
    exchange.wfile.write(exchange.files.content[1:])


def claims(length: int) -> Behaviour:
    """Say that the whole file is `length` bytes long, and send no more than that."""

    def behave(exchange: Exchange) -> None:
        body = exchange.files.content[exchange.start : length]
        send(exchange, body, claim=length - exchange.start, total=length)

    return behave
