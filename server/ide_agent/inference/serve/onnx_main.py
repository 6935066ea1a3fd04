"""The engine process of ONNX embedders: our own server over ONNX Runtime."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ide_agent.inference.backends.base import EngineSpec
from ide_agent.inference.serve.guard import announce, take_spec
from ide_agent.inference.serve.http import (
    BadRequest,
    WithKey,
    bad_request,
    body_of,
    embeddings,
    encoding_of,
    serve,
)

if TYPE_CHECKING:
    from ide_agent.inference.serve.embedder import Embedder


def main() -> None:
    """Load the model, serve it, stay until the host leaves."""
    spec = take_spec()
    try:
        from ide_agent.inference.serve.embedder import Embedder
    except ImportError as failure:
        announce(error=f"onnxruntime does not load: {failure}", model=False)
        sys.exit(1)
    try:
        embedder = Embedder(spec)
    except Exception as failure:  # ONNX Runtime has a class of its own for everything, with no common base
        announce(error=" ".join(str(failure).split())[:500], model=not isinstance(failure, MemoryError))
        sys.exit(1)
    serve(app(spec, embedder))


def app(spec: EngineSpec, embedder: Embedder) -> ASGIApp:
    """The routes of `embedder`; every one but ``/health`` asks for the key."""
    worker = ThreadPoolExecutor(1, "embedding")

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def models(request: Request) -> Response:
        described = {"id": spec.model, "object": "model", "owned_by": "onnx"}
        return JSONResponse({"object": "list", "data": [described]})

    async def embed(request: Request) -> Response:
        body = await body_of(request)
        encoding = encoding_of(body)
        given = body.get("input")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise BadRequest("input: a text or a list of texts is needed")
        loop = asyncio.get_running_loop()
        steps = embedder.steps(texts)
        rows: list[list[float]] = []
        tokens = 0
        while (step := await loop.run_in_executor(worker, next, steps, None)) is not None:
            rows += step.rows
            tokens += step.tokens
            if await request.is_disconnected():
                break
        return embeddings(rows, tokens, str(body.get("model") or spec.model), encoding)

    routes = [
        Route("/health", health),
        Route("/v1/models", models),
        Route("/v1/embeddings", embed, methods=["POST"]),
    ]
    return WithKey(Starlette(routes=routes, exception_handlers={BadRequest: bad_request}), spec.api_key)


if __name__ == "__main__":
    main()
