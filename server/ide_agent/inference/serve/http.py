"""What all engine servers of ours have in common on the HTTP side."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import struct
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ide_agent.inference.serve.guard import announce

_MAX_BODY = 64 << 20


class BadRequest(ValueError):
    """The request makes no sense; the message says why.

    Attributes:
        kind: llama-server's name for it.
    """

    def __init__(self, message: str, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.kind = kind


class WithKey:
    """Lets nobody in who does not know the key: a web page can reach the port, but not the key."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what carries the key, and ``/health``."""
        given = dict(scope["headers"]).get(b"authorization", b"")
        if scope["path"] == "/health" or secrets.compare_digest(given, self._key):
            await self._app(scope, receive, send)
        else:
            await send_json(send, error_body("Invalid API Key", "authentication_error"), 401)


def serve(app: ASGIApp) -> None:
    """Serve `app` on a port that the system chooses, tell the host which, and stay."""
    import uvicorn

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    announce(port=listener.getsockname()[1])
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
    uvicorn.Server(config).run(sockets=[listener])


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent.

    Raises:
        BadRequest: it is none, or too long.
    """
    if int(request.headers.get("content-length", 0)) > _MAX_BODY:
        raise BadRequest("the request is too long")
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as failure:
        raise BadRequest("the request is no JSON") from failure
    if not isinstance(body, dict):
        raise BadRequest("the request is no JSON object")
    return body


async def bad_request(request: Request, failure: Exception) -> Response:
    """The answer that a `BadRequest` becomes."""
    assert isinstance(failure, BadRequest)
    return JSONResponse(error_body(str(failure), failure.kind), 400)


def encoding_of(body: dict[str, Any]) -> str:
    """How vectors are wanted: ``float`` or ``base64``.

    Raises:
        BadRequest: otherwise.
    """
    encoding = body.get("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise BadRequest("encoding_format: float or base64 is needed")
    return str(encoding)


def embeddings(vectors: Sequence[Sequence[float]], tokens: int, model: str, encoding: str) -> Response:
    """The answer to a request for `vectors`, made of texts of so many `tokens`."""
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": list(vector) if encoding == "float" else _base64(vector),
        }
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return JSONResponse({"object": "list", "data": data, "model": model, "usage": usage})


async def send_json(send: Send, body: dict[str, Any], status: int) -> None:
    """Answer with `body`."""
    data = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data, "more_body": False})


def error_body(message: str, kind: str = "server_error") -> dict[str, Any]:
    """An error as llama-server words it."""
    return {"error": {"message": message, "type": kind}}


def _base64(vector: Sequence[float]) -> str:
    """As OpenAI does it: 32-bit numbers, little-endian."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
