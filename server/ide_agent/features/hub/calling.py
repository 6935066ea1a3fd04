"""What people call a model, and what it is called."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ide_agent.errors import ModelNotFound
from ide_agent.inference.models import called, folded

if TYPE_CHECKING:
    from ide_agent.features.hub.service import Hub


def not_yet(name: str, listed: Collection[str]) -> ModelNotFound | None:
    """That the model called `name` has to be pulled first; None: it is not among those that are `listed`."""
    known = folded(name)
    return ModelNotFound("error.model.not_yet", name=known) if known in listed else None


def proper(hub: Hub, name: str) -> str:
    """`name` as the model here, or the download that was stopped, is written."""
    models = hub.list()
    names = [each for model in models for each in (model.name, model.file.parent.name)]
    names += [each.entry.name for each in hub.unfinished()]
    if name in names:  # before any that differs in case: what is removed is gone
        return name
    model = called(name, models)
    if model is not None:
        folder = model.file.parent.name
        return folder if folded(folder) == folded(name) else model.name
    return next((each for each in names if folded(each) == folded(name)), name)


@contextmanager
def pulled_first(hub: Hub, name: str) -> Iterator[None]:
    """Where there is no model called `name`, say of one that only has to be pulled that it has to be."""
    try:
        yield
    except ModelNotFound as failure:
        raise not_yet(name, [entry.name for entry in hub.catalogue()]) or failure from None
