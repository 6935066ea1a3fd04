"""A Hugging Face hub on loopback: search, repositories, files with ranges, one repository for the invited."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

REVISION = "c0ffee" + "0" * 34
TOKEN = "hf_invited"
_PAUSE_SECONDS = 0.01
_BEGINNING = "bytes=0-65535"


class FakeHub:
    """Serves `repositories`: name to files by path.

    Attributes:
        tags: of repositories; ``gguf`` of all others.
        gated: names of those that only `TOKEN` opens.
        requests: path and Authorization header of all requests so far.
        revision: commit id of all repositories.
        ranges: Range headers of the requests for files, empty where there was none; without those for the
            beginning of one, which tell how large a model is inside.
        allowed: this much of a file is given away for now; None: all of it.
        step: at most so many bytes are given away in a hundredth of a second; None: as many as there are.
        status: answered to everything, when set.
        elsewhere: another address, where the files lie: they are redirected to it; empty: here.
        ended: tokens that were good once.
    """

    def __init__(self, repositories: dict[str, dict[str, bytes]]) -> None:
        self.repositories = repositories
        self.gated: set[str] = set()
        self.tags: dict[str, list[str]] = {}
        self.requests: list[tuple[str, str]] = []
        self.status = 0
        self.elsewhere = ""
        self.ended: set[str] = set()
        self.revision = REVISION
        self.ranges: list[str] = []
        self.allowed: int | None = None
        self.step: int | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Address, for HF_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator[FakeHub]:
        """Serve within the block."""
        thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            self.allowed = None
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def described(self, name: str) -> dict[str, Any]:
        """As ``GET /api/models/{name}?blobs=true`` answers."""
        files = self.repositories[name]
        return {
            "id": name,
            "modelId": name,
            "sha": self.revision,
            "downloads": 1000 * len(name),
            "likes": 3,
            "private": False,
            "gated": "manual" if name in self.gated else False,
            "tags": self.tags.get(name, ["gguf"]),
            "cardData": {"license": "apache-2.0"},
            "siblings": [
                {
                    "rfilename": path,
                    "size": len(content),
                    "blobId": "0" * 40,
                    "lfs": {
                        "sha256": hashlib.sha256(content).hexdigest(),
                        "size": len(content),
                        "pointerSize": 1,
                    },
                }
                for path, content in files.items()
            ],
        }


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked, authorization = urlsplit(self.path), self.headers.get("Authorization", "")
            hub.requests.append((self.path, authorization))
            path = unquote(asked.path)
            with suppress(ConnectionError):
                if hub.status:
                    self._json({"error": "no"}, hub.status)
                elif authorization.removeprefix("Bearer ") in hub.ended:
                    self._json({"error": "Invalid credentials in Authorization header"}, 401)
                elif path == "/api/whoami-v2":
                    known = authorization.startswith("Bearer ")
                    self._json({"type": "user", "name": "me"} if known else {}, 200 if known else 401)
                elif path == "/api/models":
                    words = parse_qs(asked.query).get("search", [""])[0].lower()
                    names = [name for name in hub.repositories if words in name.lower()]
                    wanted = parse_qs(asked.query).get("filter", [])
                    names = [name for name in names if {*wanted} <= {*hub.described(name)["tags"]}]
                    self._json([hub.described(name) for name in names])
                else:
                    self._repository(path.removeprefix("/api/models/").lstrip("/"), authorization)

        def _repository(self, path: str, authorization: str) -> None:
            name = next(
                (name for name in hub.repositories if path == name or path.startswith(f"{name}/")), ""
            )
            if not name:
                self._json({"error": "Repository not found"}, 401, {"X-Error-Code": "RepoNotFound"})
            elif path == name:
                self._json(hub.described(name))
            elif name in hub.gated and authorization != f"Bearer {TOKEN}":
                status = 403 if authorization else 401
                self._json({"error": "gated"}, status, {"X-Error-Code": "GatedRepo"})
            elif hub.elsewhere:
                self._json({}, 302, {"Location": f"{hub.elsewhere}{self.path}"})
            else:
                self._file(hub.repositories[name][path.removeprefix(f"{name}/resolve/{hub.revision}/")])

        def _file(self, content: bytes) -> None:
            wanted = self.headers.get("Range", "")
            if wanted != _BEGINNING:
                hub.ranges.append(wanted)
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first or 0), min(int(last) + 1 if last else len(content), len(content))
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
            self.send_header("ETag", '"v1"')
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            while start < end:
                until = end if hub.allowed is None else min(end, max(start, hub.allowed))
                until = min(until, start + (hub.step or until))
                self.wfile.write(content[start:until])
                start = until
                time.sleep(_PAUSE_SECONDS)  # then look what is allowed by now

        def _json(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
