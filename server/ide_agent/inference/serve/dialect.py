"""llama-server's requests and answers, as far as we speak it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ide_agent.inference.serve.generation import Generation, Piece
from ide_agent.inference.serve.llama import Model, Sampling

_FINISH = {"eos": "stop", "word": "stop", "limit": "length"}


class BadRequest(ValueError):
    """The request makes no sense; the message says why.

    Attributes:
        kind: llama-server's name for it.
    """

    def __init__(self, message: str, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Wish:
    """What a completion request asks for, whatever its dialect."""

    prompt: list[int]
    limit: int
    stops: list[str]
    sampling: Sampling
    reuse: bool
    stream: bool
    usage: bool


def parse(model: Model, body: Mapping[str, Any], context: int, prompt: list[int] | None = None) -> Wish:
    """Read a request.

    Args:
        model: for its tokens.
        body: the JSON object that was sent.
        context: tokens that a slot holds.
        prompt: the prompt where it is not ``body["prompt"]``.

    Raises:
        BadRequest: a value is of the wrong kind, or the prompt does not fit.
    """
    tokens = prompt if prompt is not None else _prompt(model, body.get("prompt"))
    if not tokens:
        raise BadRequest("the prompt is empty")
    if len(tokens) >= context:
        raise BadRequest(
            f"request ({len(tokens)} tokens) exceeds the available context size ({context} tokens)",
            "exceed_context_size_error",
        )
    limit = next(
        (body[k] for k in ("n_predict", "max_completion_tokens", "max_tokens") if body.get(k) is not None), -1
    )
    options = body.get("stream_options") or {}
    return Wish(
        prompt=tokens,
        limit=_as(int, limit, "n_predict"),
        stops=_stops(body.get("stop")),
        sampling=_sampling(body),
        reuse=body.get("cache_prompt") is not False,
        stream=body.get("stream") is True,
        usage=isinstance(options, Mapping) and options.get("include_usage") is True,
    )


def _prompt(model: Model, prompt: Any) -> list[int]:
    """A string, or a list of token ids and strings."""
    parts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(parts, list):
        raise BadRequest("prompt: a string or a list of token ids and strings is needed")
    size = model.native.llama_vocab_n_tokens(model.vocab)
    tokens: list[int] = []
    for index, part in enumerate(parts):
        if isinstance(part, str):
            tokens += model.tokenize(part, start=index == 0, special=True)
        elif isinstance(part, int) and not isinstance(part, bool) and 0 <= part < size:
            tokens.append(part)
        else:
            raise BadRequest("prompt: a string or a list of token ids and strings is needed")
    return tokens


def _sampling(body: Mapping[str, Any]) -> Sampling:
    values: dict[str, Any] = {}
    for item in fields(Sampling):
        value = body.get(item.name)
        if value is not None:
            values[item.name] = _as(type(item.default), value, item.name)
    schema = body.get("json_schema") or _response_schema(body.get("response_format"))
    if schema is not None:
        from llama_cpp.llama_grammar import json_schema_to_gbnf

        values["grammar"] = json_schema_to_gbnf(json.dumps(schema))
    return Sampling(**values)


def _response_schema(wish: Any) -> dict[str, Any] | None:
    """The JSON schema in OpenAI's ``response_format``."""
    if not isinstance(wish, Mapping) or wish.get("type") not in ("json_object", "json_schema"):
        return None
    described = wish.get("json_schema")
    schema = described.get("schema") if isinstance(described, Mapping) else wish.get("schema")
    return schema if isinstance(schema, dict) else {"type": "object"}


def _stops(value: Any) -> list[str]:
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise BadRequest("stop: a string or a list of strings is needed")
    return stops


def _as(kind: type, value: Any, name: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadRequest(f"{name}: {kind.__name__} is needed")
    return value


class Native:
    """The answer of ``POST /completion``."""

    def __init__(self, model: str, wish: Wish) -> None:
        self._model = model

    def chunk(self, piece: Piece) -> list[dict[str, Any]]:
        """What a piece in the middle becomes."""
        return [{"index": 0, "content": piece.text, "tokens": list(piece.tokens), "stop": False}]

    def last(self, piece: Piece, work: Generation) -> list[dict[str, Any]]:
        """What the last piece becomes."""
        return [self.whole(piece.text, piece, work)]

    def whole(self, text: str, piece: Piece, work: Generation) -> dict[str, Any]:
        """The answer in one."""
        return {
            "index": 0,
            "content": text,
            "tokens": [],
            "id_slot": work.slot,
            "stop": True,
            "model": self._model,
            "tokens_predicted": work.made,
            "tokens_evaluated": len(work.prompt),
            "truncated": piece.truncated,
            "stop_type": piece.stop,
            "stopping_word": piece.stop_word,
            "tokens_cached": work.cached,
            "timings": work.timings(),
        }


class OpenAI:
    """The answers of ``/v1/completions`` and ``/v1/chat/completions``."""

    def __init__(self, model: str, wish: Wish, *, chat: bool) -> None:
        self._chat = chat
        self._usage = wish.usage
        self._head = {
            "id": f"{'chatcmpl' if chat else 'cmpl'}-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": model,
        }
        self._opened = False

    def chunk(self, piece: Piece) -> list[dict[str, Any]]:
        """What a piece in the middle becomes."""
        return [self._event(piece.text, None)] if piece.text else []

    def last(self, piece: Piece, work: Generation) -> list[dict[str, Any]]:
        """What the last piece becomes."""
        events = self.chunk(piece)
        end = self._event("", _FINISH[piece.stop]) | {"timings": work.timings()}
        events.append(end)
        if self._usage:
            events.append({**self._head, "object": end["object"], "choices": [], "usage": _usage(work)})
        return events

    def whole(self, text: str, piece: Piece, work: Generation) -> dict[str, Any]:
        """The answer in one."""
        choice: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": _FINISH[piece.stop]}
        if self._chat:
            choice["message"] = {"role": "assistant", "content": text}
        else:
            choice["text"] = text
        return {
            **self._head,
            "object": "chat.completion" if self._chat else "text_completion",
            "choices": [choice],
            "usage": _usage(work),
            "timings": work.timings(),
        }

    def _event(self, text: str, finish: str | None) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": finish}
        if self._chat:
            delta: dict[str, Any] = {} if self._opened else {"role": "assistant"}
            self._opened = True
            choice["delta"] = {**delta, "content": text} if finish is None else delta
        else:
            choice["text"] = text
        kind = "chat.completion.chunk" if self._chat else "text_completion"
        return {**self._head, "object": kind, "choices": [choice]}


def _usage(work: Generation) -> dict[str, Any]:
    return {
        "prompt_tokens": len(work.prompt),
        "completion_tokens": work.made,
        "total_tokens": len(work.prompt) + work.made,
        "prompt_tokens_details": {"cached_tokens": work.cached},
    }
