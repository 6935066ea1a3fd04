"""Rules that send a task to a model which cannot do it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.kinds import kind_of
from ide_agent.inference.models import ModelFile
from ide_agent.inference.routing.known import Known, is_remote
from ide_agent.inference.routing.nodes import Node
from ide_agent.inference.routing.problems import Problem
from ide_agent.inference.routing.rules import Rule, Task, WorkspaceRoutes

_WRITING: tuple[Task, ...] = ("completion", "chat", "review", "tests")
_SENSES = {"vision": "image", "audio": "audio"}
_SPEECH = ("ctranslate2", "piper")


def unable(routes: WorkspaceRoutes, root: Node, known: Collection[str] | None) -> Iterator[Problem]:
    """A warning for each model of this machine that cannot do what its rule sends to it.

    Of models elsewhere, and of damaged ones, nothing is known.

    Args:
        routes: the rules.
        root: where they stand.
        known: the models there are; only a `Known` tells what each is for.
    """
    if not isinstance(known, Known):
        return
    lacks = cache(_lacks)  # many rules may name one model
    for index, rule in enumerate(routes.rules):
        if not rule.enabled:
            continue
        places: list[tuple[str, tuple[str | int, ...]]] = [(rule.model, ("model",))]
        places += [(name, ("fallbacks", at)) for at, name in enumerate(rule.fallbacks)]
        for name, place in places:
            model = known.model(name)
            if model is None or is_remote(name, known):
                continue
            wrong = {task: why for task in _tasks(rule) if (why := lacks(model, task))}
            for why in dict.fromkeys(wrong.values()):
                tasks = ", ".join(task for task in wrong if wrong[task] == why)
                at = root.find(("rules", index, *place))
                yield Problem(f"error.routes.{why}", at, "warning", {"model": name, "tasks": tasks})


def _tasks(rule: Rule) -> tuple[Task, ...]:
    """What it is for; one that names no task is taken to be for what most requests are."""
    return rule.when.task or _WRITING


def _lacks(model: ModelFile, task: Task) -> str:
    """Why `model` cannot do `task`: the end of a message's key; empty where it can."""
    try:
        kind = kind_of(model)
    except ModelFileInvalid:
        return ""
    if model.format in _SPEECH:
        return "for_speech"
    if kind == "reranking":
        return "for_ranking"
    if task == "embedding":
        return ""
    if kind == "embedding":
        return "for_vectors"
    if task in _SENSES and kind not in (_SENSES[task], "multi"):
        return f"no_{task}"
    return ""
