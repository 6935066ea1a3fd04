"""Whether this machine can run a model that is not here yet, and what it could run instead."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from ide_agent.config import InferenceSettings
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.naming import best_that_fits
from ide_agent.features.hub.sources import huggingface, pages
from ide_agent.features.hub.sources.start import start_of
from ide_agent.features.hub.sources.url import UrlFile
from ide_agent.inference.backends import costs, runnable
from ide_agent.inference.gguf import read_start
from ide_agent.inference.gpus import Offload
from ide_agent.inference.resources import free_memory, memory_for, share, total_memory

if TYPE_CHECKING:
    from ide_agent.features.hub.sources.huggingface import Offer
    from ide_agent.inference.header import Format, Sizes

_MOST_KV = 1 << 44
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


def memory(
    need: int, gpu: Offload | None = None, *, kv: int = 0, tokens: int = 0, known: bool = False
) -> dict[str, Any]:
    """Whether `need` bytes can be had.

    Args:
        need: besides what goes onto GPUs.
        gpu: that part.
        kv: bytes of KV cache, which `need` and `gpu` hold.
        tokens: for how many, of all slots.
        known: the engine's own plan; else only its files were counted, and what is free on GPUs counts as
            free memory.

    Returns:
        ``need``, ``free`` and ``total`` in bytes, the ``verdict``, ``gpu``: `gpu` as an object, ``kv`` and
        ``tokens``.
    """
    more = 0 if gpu or known else costs(InferenceSettings()).gpu_room
    free, total = free_memory() + more, total_memory() + more
    verdict: Verdict = "fits" if need <= free else "crowded" if need <= total else "too_big"
    told = asdict(gpu) if gpu else None
    found = {"need": need, "free": free, "total": total, "verdict": verdict}
    return {**found, "gpu": told, "kv": kv, "tokens": tokens}


def fits(memory: Mapping[str, Any]) -> bool:
    """Whether what `memory` found is that it fits, now."""
    return bool(memory["verdict"] == "fits")


def needed(bytes: int, form: Format, sizes: Sizes | None, settings: InferenceSettings) -> dict[str, Any]:
    """What a model takes whose files have so many `bytes`; see `memory`.

    Args:
        bytes: 0: not known, so nothing speaks against it.
        form: its format.
        sizes: of the model inside; None: not known, so its KV cache does not count.
        settings: how much context there is to be.
    """
    if form != "gguf" or sizes is None or not bytes:
        return memory(memory_for(bytes))
    part = share(
        _Coming(bytes, sizes),
        context_tokens=settings.context_tokens,
        slots=settings.slots,
        threads=settings.threads,
        costs=costs(settings, "gguf"),
    )
    if part.kv > _MOST_KV:  # a header that lies
        return memory(memory_for(bytes))
    return memory(part.bytes, part.gpu, kv=part.kv, tokens=part.context * settings.slots, known=True)


def expected(entry: Entry, settings: InferenceSettings) -> dict[str, Any]:
    """What `entry` takes, as far as is known without asking anybody."""
    return needed(entry.expected, entry.format, entry.shape, settings)


def all_expected(catalogue: Sequence[Entry], settings: InferenceSettings) -> dict[str, dict[str, Any]]:
    """``memory``, ``instead`` and ``repository`` of each of `catalogue`, by name. Takes milliseconds."""
    return {
        entry.name: {"memory": known["memory"], **others(known, catalogue, settings)}
        for entry in catalogue
        for known in [_known(entry, settings)]
    }


def _known(entry: Entry, settings: InferenceSettings) -> dict[str, Any]:
    return {
        "bytes": entry.expected,
        "kind": entry.kind,
        "about": entry.about,
        "source": entry.origin,
        "memory": expected(entry, settings),
    }


def asked(entry: Entry, catalogue: Iterable[Entry], settings: InferenceSettings) -> dict[str, Any]:
    """``name``, ``bytes``, ``memory``, ``instead`` and ``repository`` of `entry`. Blocks, see `looked_up`."""
    memory, bytes = looked_up(entry, settings)
    known = {**_known(entry, settings), "memory": memory, "bytes": bytes}
    return {"name": entry.name, "bytes": bytes, "memory": memory, **others(known, catalogue, settings)}


def looked_up(entry: Entry, settings: InferenceSettings) -> tuple[dict[str, Any], int]:
    """What `entry` takes, and its bytes, by the beginning of its file where nothing else tells. Blocks."""
    if entry.format != "gguf" or (entry.shape and entry.expected) or not isinstance(entry.source, UrlFile):
        return expected(entry, settings), entry.expected
    content, total = start_of(asyncio.run(entry.source.resolve()))
    bytes = entry.expected or total
    return needed(bytes, entry.format, entry.shape or read_start(content), settings), bytes


def sizes_of(offers: Iterable[Offer]) -> Sizes | None:
    """The sizes of the model of which `offers` are the quantisations, by the beginning of one. Blocks."""
    for offer in offers:
        if offer.format == "gguf":
            source = UrlFile(url=offer.files[0].url)
            return read_start(start_of(asyncio.run(source.resolve()))[0])
    return None


def smaller(entry: Entry, settings: InferenceSettings) -> Offer | None:
    """Of the repository on a Hugging Face hub that `entry` is in, what fits best. Blocks.

    None where it is in none, or nothing of it fits.

    Raises:
        DownloadError: the hub cannot be asked.
    """
    if not entry.origin.startswith(pages.PREFIX):
        return None
    owner, name, _ = entry.origin.removeprefix(pages.PREFIX).split("/", 2)
    offered = huggingface.offers(f"{owner}/{name}")
    sizes = entry.shape or sizes_of(offered)
    return best_that_fits(offered, lambda each: fits(needed(each.size, each.format, sizes, settings)))


def others(of: Mapping[str, Any], catalogue: Iterable[Entry], settings: InferenceSettings) -> dict[str, str]:
    """Where a model does not fit: what might be had instead.

    Args:
        of: ``memory`` (see `memory`), ``bytes``, ``kind``, ``about`` and ``source`` of the model, as far as
            they are known.
        catalogue: what there is.
        settings: how much context there is to be.

    Returns:
        ``instead``: name of the largest model of the catalogue that fits and is for the same, and
        ``repository``: on a Hugging Face hub, where its other quantisations are; each empty where there is
        none, and where it fits.
    """
    if fits(of["memory"]):
        return {"instead": "", "repository": ""}

    runs = runnable(settings)

    def worth(each: Entry) -> tuple[bool, int]:
        return each.about == of.get("about"), each.expected

    fitting = [
        each
        for each in catalogue
        if each.kind == (of.get("kind") or "text")
        and 0 < each.expected < of["bytes"]
        and each.format in runs
        and fits(expected(each, settings))
    ]
    source = str(of.get("source", ""))
    found = source.removeprefix(pages.PREFIX).split("/") if source.startswith(pages.PREFIX) else []
    return {
        "instead": max(fitting, key=worth).name if fitting else "",
        "repository": "/".join(found[:2]),
    }
