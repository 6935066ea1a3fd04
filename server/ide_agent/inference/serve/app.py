"""The HTTP side of our own engine server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ide_agent.inference.backends.base import EngineSpec
from ide_agent.inference.serve.answer import Answer
from ide_agent.inference.serve.chat import ChatPrompt
from ide_agent.inference.serve.dialect import Native, OpenAI, Wish, parse
from ide_agent.inference.serve.http import BadRequest, WithKey, bad_request, body_of, embeddings, encoding_of
from ide_agent.inference.serve.llama import Context, DecodeFailed, Model
from ide_agent.inference.serve.scheduler import Scheduler


class EngineApp:
    """Routes of one loaded model.

    Args:
        scheduler: None for an engine that makes embeddings.
    """

    def __init__(self, spec: EngineSpec, model: Model, context: Context, scheduler: Scheduler | None) -> None:
        self._spec = spec
        self._model = model
        self._context = context
        self._scheduler = scheduler
        self._worker = ThreadPoolExecutor(1, "embedding")

    def asgi(self) -> ASGIApp:
        """The application; every route but ``/health`` asks for the key."""
        routes = [
            Route("/health", self._health),
            Route("/props", self._props),
            Route("/slots", self._slots),
            Route("/v1/models", self._models),
            Route("/tokenize", self._tokenize, methods=["POST"]),
            Route("/detokenize", self._detokenize, methods=["POST"]),
        ]
        if self._scheduler is None:
            routes.append(Route("/v1/embeddings", self._embeddings, methods=["POST"]))
        else:
            routes += [
                Route("/completion", self._completion, methods=["POST"]),
                Route("/v1/completions", self._openai, methods=["POST"]),
                Route("/v1/chat/completions", self._openai_chat, methods=["POST"]),
            ]
        return WithKey(
            Starlette(routes=routes, exception_handlers={BadRequest: bad_request}), self._spec.api_key
        )

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _props(self, request: Request) -> Response:
        model = self._model
        return JSONResponse(
            {
                "default_generation_settings": {"n_ctx": self._context.size},
                "total_slots": self._spec.slots,
                "model_path": model.file,
                "chat_template": model.chat_template,
                "bos_token": model.text([model.bos]) if model.bos >= 0 else "",
                "eos_token": model.text([model.eos]) if model.eos >= 0 else "",
            }
        )

    async def _slots(self, request: Request) -> Response:
        return JSONResponse(self._scheduler.snapshot() if self._scheduler else [])

    async def _models(self, request: Request) -> Response:
        described = {"id": self._model.file, "object": "model", "owned_by": "llamacpp"}
        return JSONResponse({"object": "list", "data": [described]})

    async def _tokenize(self, request: Request) -> Response:
        body = await body_of(request)
        tokens = self._model.tokenize(
            str(body.get("content", "")),
            start=body.get("add_special") is True,
            special=body.get("parse_special") is not False,
        )
        return JSONResponse({"tokens": tokens})

    async def _detokenize(self, request: Request) -> Response:
        tokens = (await body_of(request)).get("tokens")
        if not isinstance(tokens, list) or not all(isinstance(token, int) for token in tokens):
            raise BadRequest("tokens: a list of token ids is needed")
        return JSONResponse({"content": self._model.text(tokens)})

    async def _completion(self, request: Request) -> Response:
        wish = parse(self._model, await body_of(request), self._context.size)
        return self._answer(wish, Native(self._model.file, wish), end=b"")

    async def _openai(self, request: Request) -> Response:
        body = await body_of(request)
        wish = parse(self._model, body, self._context.size)
        answer = OpenAI(str(body.get("model") or self._model.file), wish, chat=False)
        return self._answer(wish, answer, end=b"data: [DONE]\n\n")

    async def _openai_chat(self, request: Request) -> Response:
        body = await body_of(request)
        wish = parse(self._model, body, self._context.size, self._chat.tokens(body))
        answer = OpenAI(str(body.get("model") or self._model.file), wish, chat=True)
        return self._answer(wish, answer, end=b"data: [DONE]\n\n")

    @cached_property
    def _chat(self) -> ChatPrompt:
        return ChatPrompt(self._model)

    async def _embeddings(self, request: Request) -> Response:
        body = await body_of(request)
        encoding = encoding_of(body)
        given = body.get("input")
        texts = given if isinstance(given, list) and not all(isinstance(i, int) for i in given) else [given]
        vectors: list[Sequence[float]] = []
        total = 0
        for text in texts:
            if await request.is_disconnected():
                break
            if isinstance(text, str):
                tokens = self._model.tokenize(text, start=True, special=False)
            elif isinstance(text, list) and all(isinstance(token, int) for token in text):
                tokens = text
            else:
                raise BadRequest("input: a text or a list of texts is needed")
            if not 0 < len(tokens) <= self._context.batch_size:
                raise BadRequest(f"input: 1 to {self._context.batch_size} tokens, not {len(tokens)}")
            total += len(tokens)
            loop = asyncio.get_running_loop()
            try:
                vectors.append(await loop.run_in_executor(self._worker, self._context.embed, tokens))
            except DecodeFailed as failure:
                raise BadRequest(str(failure)) from failure
        return embeddings(vectors, total, str(body.get("model") or self._model.file), encoding)

    def _answer(self, wish: Wish, shape: Native | OpenAI, *, end: bytes) -> Response:
        assert self._scheduler is not None
        return Answer(self._scheduler, wish, shape, end)
