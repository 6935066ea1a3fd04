"""Runs somebody else's server, whose web side is uvicorn, in its own Python, so that it behaves as an engine.

It lets in only who has the key, takes a port that the system chooses, says which once it serves, and ends
with all its children when its stdin does. Nothing here but the standard library until the server itself is
imported: this file is run by the Python of another environment, of whatever version.

It reads one line of JSON: ``{"key", "module", "argv"}``.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import secrets
import signal
import sys
import threading
from typing import Any


def main() -> None:
    """Take the orders, run the server."""
    orders = json.loads(sys.stdin.buffer.readline())
    answers = os.dup(1)
    os.dup2(2, 1)  # what the server prints is no answer
    threading.Thread(target=_leave_with_stdin, daemon=True).start()
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    sys.path[:] = [path for path in sys.path if path not in ("", here)]
    import uvicorn

    _guard(uvicorn, f"Bearer {orders['key']}".encode(), answers)
    sys.argv = [orders["module"], *orders["argv"]]
    runpy.run_module(orders["module"], run_name="__main__")


def _guard(uvicorn: Any, key: bytes, answers: int) -> None:
    load, startup = uvicorn.Config.load, uvicorn.Server.startup

    def load_guarded(self: Any) -> None:
        load(self)
        self.loaded_app = _with_key(self.loaded_app, key)

    async def startup_told(self: Any, sockets: Any = None) -> None:
        await startup(self, sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            os.write(answers, json.dumps({"port": port}).encode() + b"\n")

    uvicorn.Config.load = load_guarded
    uvicorn.Server.startup = startup_told


def _with_key(app: Any, key: bytes) -> Any:
    async def guarded(scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] == "lifespan" or scope.get("path") == "/health":
            return await app(scope, receive, send)
        given = dict(scope["headers"]).get(b"authorization", b"")
        if secrets.compare_digest(given, key):
            return await app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        return await send(
            {"type": "http.response.body", "body": b'{"error": {"message": "Invalid API Key"}}'}
        )

    return guarded


def _leave_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        with contextlib.suppress(OSError):
            os.killpg(0, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main()
