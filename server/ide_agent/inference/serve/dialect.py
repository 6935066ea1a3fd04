"""llama-server's requests and answers, as far as we speak it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ide_agent.inference.serve.generation import Generation, Piece
from ide_agent.inference.serve.http import BadRequest
from ide_agent.inference.serve.llama import Model
from ide_agent.inference.serve.sampler import Sampling

_FINISH = {"eos": "stop", "word": "stop", "limit": "length"}
_MOST = 64  # answers to one request
_NEEDED = "prompt: a string or a list of token ids and strings is needed"


@dataclass(frozen=True)
class Wish:
    """What a completion request asks for, whatever its dialect.

    Attributes:
        prompts: each is answered on its own.
        repeat: answers to each prompt.
        interactive: see `Generation`. This field of a request is our own; llama-server passes it over.
    """

    prompts: list[list[int]]
    repeat: int
    limit: int
    stops: list[str]
    sampling: Sampling
    reuse: bool
    interactive: bool
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
        BadRequest: a value is of the wrong kind, something is wanted that this engine cannot do, or the
            prompt does not fit.
    """
    _refuse(body)
    prompts = [prompt] if prompt is not None else _prompts(model, body.get("prompt"))
    for tokens in prompts:
        if not tokens:
            raise BadRequest("the prompt is empty")
        if len(tokens) >= context:
            raise BadRequest(
                f"request ({len(tokens)} tokens) exceeds the available context size ({context} tokens)",
                "exceed_context_size_error",
            )
    repeat = 1 if body.get("n") is None else _as(int, body["n"], "n")
    if not 1 <= repeat * len(prompts) <= _MOST:
        raise BadRequest(f"n: 1 to {_MOST} answers to all prompts together can be asked for")
    limit = next(
        (body[k] for k in ("n_predict", "max_completion_tokens", "max_tokens") if body.get(k) is not None), -1
    )
    options = body.get("stream_options") or {}
    return Wish(
        prompts=prompts,
        repeat=repeat,
        limit=_as(int, limit, "n_predict"),
        stops=_stops(body.get("stop")),
        sampling=_sampling(body),
        reuse=body.get("cache_prompt") is not False,
        interactive=body.get("interactive") is True,
        stream=body.get("stream") is True,
        usage=isinstance(options, Mapping) and options.get("include_usage") is True,
    )


def _refuse(body: Mapping[str, Any]) -> None:
    """What llama-server can do and we cannot is not passed over in silence."""
    wanted = [name for name in ("top_logprobs", "n_probs", "logit_bias") if body.get(name)]
    if body.get("logprobs") is not None and body["logprobs"] is not False:  # 0 is a wish as well
        wanted.append("logprobs")
    if wanted:
        raise BadRequest(f"{', '.join(wanted)}: the engine llama-cpp-python does not support it")


def _prompts(model: Model, prompt: Any) -> list[list[int]]:
    """One prompt: a string, or a list with token ids in it; several: a list of such without one."""
    if isinstance(prompt, list) and prompt and not any(isinstance(part, int) for part in prompt):
        return [_prompt(model, part) for part in prompt]
    return [_prompt(model, prompt)]


def _prompt(model: Model, prompt: Any) -> list[int]:
    """A string, or a list of token ids and strings."""
    parts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(parts, list):
        raise BadRequest(_NEEDED)
    size = model.native.llama_vocab_n_tokens(model.vocab)
    tokens: list[int] = []
    for index, part in enumerate(parts):
        if isinstance(part, str):
            tokens += model.tokenize(part, start=index == 0, special=True)
        elif isinstance(part, int) and not isinstance(part, bool) and 0 <= part < size:
            tokens.append(part)
        else:
            raise BadRequest(_NEEDED)
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
    """The answer of ``POST /completion``, which is always one."""

    def __init__(self, model: str, wish: Wish) -> None:
        if len(wish.prompts) * wish.repeat > 1:
            raise BadRequest("one prompt and one answer at a time here")
        self._model = model

    def chunk(self, index: int, piece: Piece) -> list[dict[str, Any]]:
        """What a piece in the middle becomes."""
        return [{"index": index, "content": piece.text, "tokens": list(piece.tokens), "stop": False}]

    def last(self, index: int, piece: Piece, work: Generation) -> list[dict[str, Any]]:
        """What the last piece becomes."""
        return [self.whole([piece.text], [piece], [work])]

    def end(self, works: Sequence[Generation]) -> list[dict[str, Any]]:
        """What follows all answers."""
        return []

    def whole(
        self, texts: Sequence[str], pieces: Sequence[Piece], works: Sequence[Generation]
    ) -> dict[str, Any]:
        """The answer in one; `pieces` are the last ones."""
        (text,), (piece,), (work,) = texts, pieces, works
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
        self._repeat = wish.repeat
        self._head = {
            "id": f"{'chatcmpl' if chat else 'cmpl'}-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": model,
        }
        self._opened: set[int] = set()

    def chunk(self, index: int, piece: Piece) -> list[dict[str, Any]]:
        """What a piece in the middle becomes."""
        return [self._event(index, piece.text, None)] if piece.text else []

    def last(self, index: int, piece: Piece, work: Generation) -> list[dict[str, Any]]:
        """What the last piece becomes."""
        end = self._event(index, "", _FINISH[piece.stop]) | {"timings": work.timings()}
        return [*self.chunk(index, piece), end]

    def end(self, works: Sequence[Generation]) -> list[dict[str, Any]]:
        """What follows all answers."""
        if not self._usage:
            return []
        kind = "chat.completion.chunk" if self._chat else "text_completion"
        return [{**self._head, "object": kind, "choices": [], "usage": self._used(works)}]

    def whole(
        self, texts: Sequence[str], pieces: Sequence[Piece], works: Sequence[Generation]
    ) -> dict[str, Any]:
        """All answers in one; `pieces` are the last ones."""
        choices: list[dict[str, Any]] = []
        for index, (text, piece) in enumerate(zip(texts, pieces, strict=True)):
            said = {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
            finish = _FINISH[piece.stop]
            choices.append({"index": index, "logprobs": None, "finish_reason": finish, **said})
        return {
            **self._head,
            "object": "chat.completion" if self._chat else "text_completion",
            "choices": choices,
            "usage": self._used(works),
            "timings": works[0].timings(),
        }

    def _event(self, index: int, text: str, finish: str | None) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": index, "logprobs": None, "finish_reason": finish}
        if self._chat:
            delta: dict[str, Any] = {} if index in self._opened else {"role": "assistant"}
            self._opened.add(index)
            choice["delta"] = {**delta, "content": text} if finish is None else delta
        else:
            choice["text"] = text
        kind = "chat.completion.chunk" if self._chat else "text_completion"
        return {**self._head, "object": kind, "choices": [choice]}

    def _used(self, works: Sequence[Generation]) -> dict[str, Any]:
        """A prompt counts once, however often it is answered."""
        prompts = works[:: self._repeat]
        read, made = sum(len(work.prompt) for work in prompts), sum(work.made for work in works)
        return {
            "prompt_tokens": read,
            "completion_tokens": made,
            "total_tokens": read + made,
            "prompt_tokens_details": {"cached_tokens": sum(work.cached for work in prompts)},
        }
