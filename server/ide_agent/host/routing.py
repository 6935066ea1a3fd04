"""A request on its way to a model: the rules choose, then the chosen models are tried in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from ide_agent.errors import EngineError, IdeAgentError, ModelError, ModelNotFound, RemoteError, RemoteRefused
from ide_agent.host.errors import BadRequest
from ide_agent.host.services import Services
from ide_agent.inference.remote.ledger import Allowance
from ide_agent.inference.routing.conditions import Ask, estimated_tokens
from ide_agent.inference.routing.router import Decision
from ide_agent.inference.routing.rules import DEFAULT_MODELS, Limits, Task

HEADER = "x-ide-agent-route"
_TASKS: dict[str, Task] = {"completions": "completion", "embeddings": "embedding"}
_PARTS: dict[str, Task] = {"image_url": "vision", "input_image": "vision", "input_audio": "audio"}
_LIMITED = ("max_tokens", "max_completion_tokens")
_ENGINES_OWN = "n_predict"
_CANNOT_BE_HAD = (ModelError, EngineError, RemoteError)
_REFUSED = RemoteRefused.key
T = TypeVar("T")


class About(BaseModel):
    """The field `ide_agent` of a request to ``/v1/*``: what OpenAI's dialect has no place for."""

    model_config = ConfigDict(extra="forbid")

    task: Task | None = None
    language: str = Field("", max_length=100)
    path: str = Field("", max_length=4096)
    workspace: str = Field("", max_length=4096)
    privacy: Literal["", "private"] = ""


@dataclass(frozen=True)
class Route:
    """The models that may answer a request, in the order in which they are tried.

    Attributes:
        models: their names; empty: the default one.
        decision: of the rules; None where the request named its model.
        private: no model of another machine may answer, whatever its name means by then.
    """

    models: tuple[str, ...]
    decision: Decision | None = None
    private: bool = False

    async def first(self, ask: Callable[[str], Awaitable[T]]) -> T:
        """What `ask` returns for the first model that can be had.

        Raises:
            IdeAgentError: none can; what was wrong with the first one. Or the request itself is wrong: no
                other model gets to see it.
        """
        failed: IdeAgentError | None = None
        for model in self.models:
            try:
                return await ask(model)
            except _CANNOT_BE_HAD as failure:
                if failure.key_used == _REFUSED:
                    raise
                failed = failed or failure
        assert failed is not None, "a route has a model"
        raise failed

    @property
    def allowance(self) -> Allowance | None:
        """What the rule lets each of the models use a day; None: any."""
        limits = self.decision.limits if self.decision else Limits()
        if self.decision is None or limits.tokens_per_day is limits.cost_per_day is None:
            return None
        return Allowance(self.decision.rule, limits.tokens_per_day, limits.cost_per_day)

    def limit(self, tokens: int) -> int:
        """At most so many tokens of an answer, where the caller wants `tokens`."""
        most = self.decision.limits.max_tokens if self.decision else None
        return tokens if most is None else min(tokens, most)

    def mark(self, response: Response) -> Response:
        """Name the rule in the answer's headers, percent-encoded."""
        if self.decision is not None and self.decision.rule:
            response.headers[HEADER] = quote(self.decision.rule, safe=" ")
        return response


async def route(services: Services, ask: Ask, model: str = "") -> Route:
    """Where `ask` goes.

    Args:
        services: of the host.
        ask: what rules look at.
        model: the one that the caller names; empty, ``default`` or ``auto``: the rules choose.

    Raises:
        ModelNotFound: it is private, and no model of this machine was chosen.
    """
    routing = services.routing
    if model not in DEFAULT_MODELS:
        if ask.private and not routing.is_here(model):
            raise ModelNotFound("error.routes.private")
        return Route((model,), private=ask.private)
    if routing.stale:  # reading takes its time
        await asyncio.to_thread(routing.refresh)
    decision = routing.decide(ask)
    if decision.refused:
        raise ModelNotFound("error.routes.private_rule", **decision.where)
    return Route((decision.model, *decision.fallbacks), decision, ask.private)


async def route_openai(services: Services, path: str, payload: dict[str, Any]) -> Route:
    """Where a request to ``/v1/*`` goes; takes what is ours out of `payload` and puts limits into it.

    Raises:
        BadRequest: `model` or `ide_agent` makes no sense.
        ModelNotFound: as `route`.
    """
    wanted = payload.get("model", "")
    if not isinstance(wanted, str):
        raise BadRequest(problem="model: not a string")
    about = _about(payload.pop("ide_agent", None))
    if path.endswith("/rerank") and wanted in DEFAULT_MODELS:  # no rule is about this
        return Route(("",), private=about.privacy == "private")
    found = await route(services, _ask(path, payload, about), wanted)
    most = found.decision.limits.max_tokens if found.decision else None
    if most is not None and not path.endswith(("/embeddings", "/rerank")):
        for name in (*_LIMITED, _ENGINES_OWN):
            if payload.get(name) is not None:
                payload[name] = _capped(name, payload[name], most)
        if all(payload.get(name) is None for name in _LIMITED):
            payload["max_tokens"] = most
    return found


def _capped(name: str, wished: Any, most: int) -> int:
    if isinstance(wished, float) and wished.is_integer():
        wished = int(wished)
    if not isinstance(wished, int):
        raise BadRequest(problem=f"{name}: not a whole number")
    return most if wished < 0 else min(wished, most)  # engines take a negative number for no end


def _about(given: Any) -> About:
    try:
        return About.model_validate(given or {})
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        where = ".".join(map(str, ("ide_agent", *first["loc"])))
        raise BadRequest(problem=f"{where}: {first['msg']}") from None


def _ask(path: str, payload: dict[str, Any], about: About) -> Ask:
    texts = list(_texts(payload))
    return Ask(
        task=about.task or _task(path, payload),
        language=about.language,
        path=_below(about.workspace, about.path),
        message=_last(payload, texts),
        prompt_tokens=estimated_tokens(*texts),
        private=about.privacy == "private",
        place=about.workspace or (about.path if Path(about.path).is_absolute() else ""),
    )


def _task(path: str, payload: dict[str, Any]) -> Task:
    kinds = [part.get("type") for part in _parts(payload)]
    for kind, task in _PARTS.items():
        if kind in kinds:
            return task
    return _TASKS.get(path.removeprefix("/v1/"), "chat")


def _below(workspace: str, path: str) -> str:
    """`path` below the folder of its workspace, as globs are written."""
    if workspace and Path(path).is_absolute() and Path(path).is_relative_to(workspace):
        return Path(path).relative_to(workspace).as_posix()
    return path.replace("\\", "/").lstrip("/")


def _messages(payload: dict[str, Any]) -> list[dict[str, Any]]:
    messages = payload.get("messages")
    return [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []


def _parts(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for message in _messages(payload):
        content = message.get("content")
        if isinstance(content, list):
            yield from (part for part in content if isinstance(part, dict))


def _content(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        texts = (part.get("text") for part in content if isinstance(part, dict))
        return "\n".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def _texts(payload: dict[str, Any]) -> Iterator[str]:
    yield from map(_content, _messages(payload))
    for name in ("prompt", "input"):
        given = payload.get(name)
        for text in given if isinstance(given, list) else [given]:
            if isinstance(text, str):
                yield text


def _last(payload: dict[str, Any], texts: list[str]) -> str:
    """What the user said last."""
    said = [_content(each) for each in _messages(payload) if each.get("role") == "user"]
    return (said or texts or [""])[-1]
