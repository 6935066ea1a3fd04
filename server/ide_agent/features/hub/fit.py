"""Whether this machine can run a model that is not here yet, and what it could run instead."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal

from ide_agent.config import InferenceSettings
from ide_agent.errors import IdeAgentError
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.place import is_model
from ide_agent.features.hub.shape import Shape
from ide_agent.features.hub.sources import huggingface, pages
from ide_agent.features.hub.sources.start import start_of
from ide_agent.features.hub.sources.url import UrlFile
from ide_agent.inference.backends import Costs, costs, runnable
from ide_agent.inference.gguf import read_start
from ide_agent.inference.gpus import Offload
from ide_agent.inference.header import made_for
from ide_agent.inference.resources import RESERVE, Share, memory_for, share, spare_memory, total_memory

if TYPE_CHECKING:
    from ide_agent.features.hub.service import Hub
    from ide_agent.features.hub.sources.huggingface import Offer
    from ide_agent.inference.gguf import GgufHeader
    from ide_agent.inference.header import Format, Sizes

_MOST_KV = 1 << 44
_MOST_READ = 4  # models in one repository whose beginnings are read
_UNPACKED = ("F32", "F16", "BF16")
Verdict = Literal["fits", "crowded", "too_big"]


@dataclass(frozen=True)
class _Coming:
    """A model in GGUF that is not here: all by which its memory is planned."""

    bytes: int
    header: Sizes
    format: Format = "gguf"

    @property
    def weights(self) -> int:
        """A byte each is about right."""
        return self.bytes


class Machine:
    """What there is of memory at this moment, and what engines take: looked up once for many models."""

    def __init__(self, settings: InferenceSettings) -> None:
        self.settings = settings

    @cached_property
    def free(self) -> int:
        """Bytes that engines may take."""
        return spare_memory()

    @cached_property
    def total(self) -> int:
        """Bytes of the machine."""
        return total_memory()

    @cached_property
    def costs(self) -> Costs:
        """Of the engine for models in GGUF."""
        return costs(self.settings)

    @cached_property
    def picture_costs(self) -> Costs:
        """Of the engine for those that see."""
        return costs(self.settings, projector=True)


def memory(
    need: int,
    machine: Machine,
    gpu: Offload | None = None,
    *,
    kv: int = 0,
    tokens: int = 0,
    slots: int = 0,
    planned: bool = False,
) -> dict[str, Any]:
    """Whether `need` bytes can be had.

    Args:
        need: besides what goes onto GPUs.
        machine: this one.
        gpu: that part.
        kv: bytes of KV cache, which `need` and `gpu` hold.
        tokens: for how many, of all slots.
        slots: requests at once.
        planned: it is the engine's own plan; else only files were counted, and what is free on GPUs counts as
            free memory.

    Returns:
        ``need``, ``free`` and ``total`` in bytes, the ``verdict``, ``gpu``: `gpu` as an object, ``kv``,
        ``tokens`` and ``slots``. Free is what engines may take, as when a model is loaded.
    """
    more = 0 if gpu or planned else machine.costs.gpu_room
    free, total = machine.free + more, machine.total + more
    verdict: Verdict = "fits" if need <= free else "crowded" if need <= total - RESERVE else "too_big"
    told = asdict(gpu) if gpu else None
    found = {"need": need, "free": free, "total": total, "verdict": verdict}
    return {**found, "gpu": told, "kv": kv, "tokens": tokens, "slots": slots}


def fits(memory: Mapping[str, Any]) -> bool:
    """Whether what `memory` found is that it fits, now."""
    return bool(memory["verdict"] == "fits")


def needed(
    bytes: int, form: Format, sizes: Sizes | None, machine: Machine, *, pictures: bool = False
) -> dict[str, Any]:
    """What a model takes whose files have so many `bytes`; see `memory`.

    Args:
        bytes: 0: not known, so nothing speaks against it.
        form: its format.
        sizes: of the model inside; None: not known, so its KV cache does not count.
        machine: on which it is to run, and how much context there is to be.
        pictures: a projector is among the `bytes`, which takes more than those.
    """
    if form != "gguf" or sizes is None or not bytes:
        return memory(memory_for(bytes), machine)
    settings, taken = machine.settings, machine.picture_costs if pictures else machine.costs
    coming, context = _Coming(bytes, sizes), settings.context_tokens
    if isinstance(sizes, Shape):  # of the catalogue, which panels look through again and again
        part = _share_known(coming, context, settings.slots, settings.threads, taken, pictures)
    else:
        part = _share(coming, context, settings.slots, settings.threads, taken, pictures)
    if part.kv > _MOST_KV:  # a header that lies
        return memory(memory_for(bytes), machine)
    tokens, slots = part.context * settings.slots, settings.slots
    return memory(part.bytes, machine, part.gpu, kv=part.kv, tokens=tokens, slots=slots, planned=True)


def _share(coming: _Coming, context: int, slots: int, threads: int, taken: Costs, pictures: bool) -> Share:
    return share(coming, context_tokens=context, slots=slots, threads=threads, costs=taken, pictures=pictures)


_share_known = lru_cache(maxsize=256)(_share)


def expected(entry: Entry, machine: Machine) -> dict[str, Any]:
    """What `entry` takes, as far as is known without asking anybody."""
    return needed(entry.expected, entry.format, entry.shape, machine, pictures=entry.takes_pictures)


def all_expected(catalogue: Sequence[Entry], settings: InferenceSettings) -> dict[str, dict[str, Any]]:
    """``memory``, ``instead`` and ``repository`` of each of `catalogue`, by name. Takes milliseconds."""
    machine = Machine(settings)
    judged = {entry.name: _known(entry, machine) for entry in catalogue}
    runs = runnable(settings)
    fitting = [each for each in catalogue if each.format in runs and fits(judged[each.name]["memory"])]
    return {name: {"memory": known["memory"], **others(known, fitting)} for name, known in judged.items()}


def _known(entry: Entry, machine: Machine) -> dict[str, Any]:
    return {
        "bytes": entry.expected,
        "kind": entry.kind,
        "about": entry.about,
        "source": entry.origin,
        "memory": expected(entry, machine),
    }


def asked(hub: Hub, entry: Entry, settings: InferenceSettings) -> dict[str, Any]:
    """Of `entry`: ``name``, whether it is ``here``, ``bytes``, ``memory``, ``instead`` and ``repository``.

    Where nothing else tells, by the beginning of its file, which blocks.
    """
    machine = Machine(settings)
    known = _known(entry, machine)
    here = is_model(hub.folder / entry.name)
    source = entry.source
    told_already = entry.format != "gguf" or (entry.shape and entry.expected)
    if not (here or told_already) and isinstance(source, UrlFile):
        content, total = start_of(asyncio.run(source.resolve()))
        header, bytes = read_start(content), entry.expected or total
        known |= {
            "bytes": bytes,
            "memory": needed(bytes, entry.format, header, machine, pictures=entry.takes_pictures),
        }
        known |= {"kind": made_for(header)} if header is not None else {}
    told = {"name": entry.name, "here": here, "bytes": known["bytes"], "memory": known["memory"]}
    return told | others(known, fitting_of(hub.catalogue(), settings))


def sizes_of(offers: Iterable[Offer]) -> dict[str, GgufHeader | None]:
    """The sizes of the models `offers`, by path, by the beginning of one file of each model. Blocks."""
    models: dict[str, list[Offer]] = {}
    for offer in offers:
        if offer.format == "gguf":
            models.setdefault(offer.model, []).append(offer)
    found: dict[str, GgufHeader | None] = {}
    for some in [*models.values()][:_MOST_READ]:
        source = UrlFile(url=some[-1].files[0].url)
        header = read_start(start_of(asyncio.run(source.resolve()))[0])
        found |= dict.fromkeys((offer.path for offer in some), header)
    return found


def of_offer(offer: Offer, sizes: Sizes | None, machine: Machine) -> dict[str, Any]:
    """What `offer` takes; see `needed`."""
    return needed(offer.size, offer.format, sizes, machine, pictures=offer.takes_pictures)


def best_that_fits(
    offers: Sequence[Offer], settings: InferenceSettings, sizes: Mapping[str, Sizes | None] | None = None
) -> Offer | None:
    """The largest that fits, a quantised one where there is any: the others are twice as slow for nothing.

    Args:
        offers: to choose from.
        settings: how much context there is to be.
        sizes: see `sizes_of`, which is asked unless they are given, and blocks.
    """
    sizes, machine = sizes_of(offers) if sizes is None else sizes, Machine(settings)
    takes = {offer.path: of_offer(offer, sizes.get(offer.path), machine) for offer in offers}
    fitting = [offer for offer in offers if offer.size and fits(takes[offer.path])]
    small = [offer for offer in fitting if offer.quantisation not in _UNPACKED]
    return max(small or fitting, key=lambda offer: offer.size, default=None)


def smaller(entry: Entry, settings: InferenceSettings) -> Offer | None:
    """Of the repository on a Hugging Face hub that `entry` is in, what fits best. Blocks.

    None where it is in none, nothing of it fits, or the hub cannot be asked.
    """
    repository = _repository(entry.origin)
    with suppress(IdeAgentError):
        return best_that_fits(huggingface.offers(repository), settings) if repository else None
    return None


def fitting_of(catalogue: Iterable[Entry], settings: InferenceSettings) -> list[Entry]:
    """Those of `catalogue` that fit now, and that something here runs."""
    runs, machine = runnable(settings), Machine(settings)
    return [each for each in catalogue if each.format in runs and fits(expected(each, machine))]


def others(of: Mapping[str, Any], fitting: Iterable[Entry]) -> dict[str, str]:
    """Where a model is too big for the machine: what might be had instead.

    Args:
        of: ``memory`` (see `memory`), ``bytes``, ``kind``, ``about`` and ``source`` of the model, as far as
            they are known.
        fitting: see `fitting_of`.

    Returns:
        ``instead``: name of the largest model that fits and is for the same, and ``repository``: on a Hugging
        Face hub, where its other quantisations are; each empty where there is none, and where it
        is not too big.
    """
    if of["memory"]["verdict"] != "too_big":
        return {"instead": "", "repository": ""}

    def worth(each: Entry) -> tuple[bool, int]:
        return each.about == of.get("about"), each.expected

    alike = [
        each
        for each in fitting
        if each.kind == (of.get("kind") or "text") and 0 < each.expected < of["bytes"]
    ]
    best = max(alike, key=worth, default=None)
    return {"instead": best.name if best else "", "repository": _repository(str(of.get("source", "")))}


def _repository(source: str) -> str:
    """``owner/name`` of what comes from a Hugging Face hub; empty for anything else."""
    found = source.removeprefix(pages.PREFIX).split("/") if source.startswith(pages.PREFIX) else []
    return "/".join(found[:2])
