"""What lies beside a model and is loaded with it: its projector and its adapters."""

from __future__ import annotations

from dataclasses import dataclass

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.adapters import Adapter, adapters_of
from ide_agent.inference.backends import Purpose
from ide_agent.inference.kinds import projector_of, sees
from ide_agent.inference.models import ModelFile


@dataclass(frozen=True)
class Beside:
    """What an engine is given besides the model. When it changes, the model has to be loaded anew.

    Attributes:
        projector: lets the model see or hear; None where there is none, or nobody is to write.
        adapters: those of the model.
        sees: whether pictures can be shown to the model with that.
    """

    projector: ModelFile | None = None
    adapters: tuple[Adapter, ...] = ()
    sees: bool = False


NOTHING = Beside()


def beside(model: ModelFile, purpose: Purpose = "text") -> Beside:
    """What lies beside `model` now. It reads files: call it in a thread."""
    adapters = tuple(adapters_of(model))
    if purpose != "text":
        return Beside(adapters=adapters)
    projector = projector_of(model)
    try:
        return Beside(projector, adapters, sees(model, projector))
    except ModelFileInvalid:  # which whoever loads it says
        return Beside(None, adapters)
