"""All there is to know of one model, here or in the catalogue, and whether this machine can run it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ide_agent.config import InferenceSettings
from ide_agent.errors import ModelFileInvalid, ModelNotFound
from ide_agent.features.hub import manifest
from ide_agent.features.hub.catalogue import Entry, nearest
from ide_agent.features.hub.defaults import defaults
from ide_agent.features.hub.disk import sha256_of
from ide_agent.features.hub.fit import (
    Machine,
    best_that_fits,
    expected,
    fitting_of,
    memory,
    of_offer,
    others,
    sizes_of,
)
from ide_agent.features.hub.listing import described, engine_for
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import huggingface, pages
from ide_agent.features.hub.trained import trained
from ide_agent.inference.backends import costs
from ide_agent.inference.beside import beside
from ide_agent.inference.kinds import purpose_of
from ide_agent.inference.models import ModelFile, folded
from ide_agent.inference.resources import memory_for, share

_SETTINGS = InferenceSettings()


def about(hub: Hub, name: str, settings: InferenceSettings) -> dict[str, Any]:
    """What is known of model `name`.

    Returns:
        ``name``, ``bytes``, ``format``, ``engine`` (empty where none here runs it), ``files`` (each with
        ``file``, ``bytes`` and ``sha256``) and ``memory``; of one that is here also ``file``, whether it is
        the ``default``, what its header and its manifest say, and where it has some its ``adapters``
        (``count``, ``bytes`` and ``folder``); of one in the catalogue ``title``, ``about``, ``licence`` and
        ``download`` (bytes to come, where packed fewer than ``bytes``);
        of all ``instead`` and ``repository``, see `fit.others`.

    Raises:
        ModelNotFound: neither here nor in the catalogue; tells the nearest names.
    """
    name = pages.of_page(name) or name
    entry = next((entry for entry in hub.catalogue() if entry.name == folded(name)), None)
    try:
        model = hub.find(name)
    except ModelNotFound:
        if entry is not None:
            return _of_entry(hub, entry, settings)
        if pages.is_repository(name):
            raise ModelNotFound("error.model.on_a_hub", name=name) from None
        names = {*(model.name for model in hub.list()), *(entry.name for entry in hub.catalogue())}
        if near := nearest(name, names):
            raise ModelNotFound("error.model.not_found_near", name=name, near=", ".join(near)) from None
        raise
    known = _of_file(hub, model, settings)
    known["default"] = model.name in defaults(hub.folder, settings).values()
    noted = manifest.read(model.file.parent)
    if (own := trained(model.file.parent)) is not None:
        known["adapters"] = {"count": own.count, "bytes": own.bytes, "folder": str(own.folder)}
    if entry is not None and noted is not None and noted.file == entry.file:
        known |= {"about": entry.about, "title": entry.title}
    return known | others(known, fitting_of(hub.catalogue(), settings))


def verify(hub: Hub, name: str) -> dict[str, Any]:
    """Read all files of model `name`.

    Returns:
        ``name``, ``file``, ``sha256`` of that one, ``files`` (how many), and ``known``: whether the hashes
        are those that were noted when it came, or that nothing was noted.

    Raises:
        ModelNotFound: it is not here.
        ModelFileInvalid: it is damaged, or not what it was; says so.
    """
    model = hub.find(name)
    model.header  # noqa: B018 - of a damaged file it cannot be read
    noted = _noted(model)
    there = {_path(model, file): file for file in hub.files(model)}
    was = {file.file: file.sha256 for file in noted.files} if noted is not None else {}
    for gone in was.keys() - there.keys():
        raise ModelFileInvalid("error.model.missing", file=str(model.file.parent / gone), name=name)
    hashes = {each: sha256_of(file) for each, file in there.items()}
    for each, sha256 in hashes.items():
        if each in was and was[each] != sha256:
            raise ModelFileInvalid("error.model.changed", file=str(there[each]), name=name)
    return {
        "name": model.name,
        "file": str(model.file),
        "sha256": hashes[model.file.name],
        "files": len(there),
        "known": noted is not None,
    }


def repositories(words: str, kind: str = "") -> list[dict[str, Any]]:
    """What a Hugging Face hub finds for `words`: ``name``, ``downloads``, ``likes``, ``licence``, ``gated``,
    ``format``.

    Raises:
        DownloadError: it cannot be asked.
    """
    return [asdict(each) for each in huggingface.search(words, kind)]


def files_of(repository: str, settings: InferenceSettings = _SETTINGS) -> list[dict[str, Any]]:
    """The models in `repository`, or the one where that names a file in it, too. Its page will do.

    The beginning of one file in GGUF is read, for what the KV cache of all takes.

    Returns:
        ``name`` (as `pull` takes it), ``path``, ``bytes``, ``sha256``, ``licence``, ``quantisation``,
        ``format``, ``memory`` and ``best`` (whether it is the largest that fits) of each.

    Raises:
        ModelNotFound, DownloadError: see `huggingface.offers`.
    """
    named = pages.of_page(repository) or repository.removeprefix(pages.PREFIX)
    owner, name, path = [*named.split("/", 2), "", ""][:3]
    found = huggingface.offers(f"{owner}/{name}")
    found = [file for file in found if path in (file.path, file.files[0].path)] or found
    sizes = sizes_of(found)
    machine = Machine(settings)
    takes = {file.path: of_offer(file, sizes.get(file.path), machine) for file in found}
    best = best_that_fits(found, settings, sizes)
    return [
        {
            "name": file.name,
            "path": file.path,
            "bytes": file.size,
            "sha256": file.sha256,
            "licence": file.licence,
            "quantisation": file.quantisation,
            "format": file.format,
            "memory": takes[file.path],
            "best": file is best,
        }
        for file in found
    ]


def _path(model: ModelFile, file: Path) -> str:
    """Of a file of `model`, below its folder."""
    return file.relative_to(model.file.parent).as_posix()


def _of_file(hub: Hub, model: ModelFile, settings: InferenceSettings) -> dict[str, Any]:
    known = {key: value for key, value in described(model, settings).items() if key != "source"}
    noted = _noted(model)
    hashes = {file.file: file.sha256 for file in noted.files} if noted is not None else {}
    known["files"] = [
        {"file": path, "bytes": file.stat().st_size, "sha256": hashes.get(path, "")}
        for path, file in ((_path(model, file), file) for file in hub.files(model))
    ]
    if noted is not None:
        known |= {
            "source": noted.source,
            "licence": noted.licence,
            "sha256": noted.sha256,
            "pulled": noted.pulled.isoformat(),
        }
    try:
        header = model.header
    except ModelFileInvalid:
        return {**known, "memory": memory(memory_for(model.bytes), Machine(settings))}
    purpose = purpose_of(model)
    found = beside(model, purpose)
    part = share(
        model,
        context_tokens=settings.context_tokens,
        slots=settings.slots,
        threads=settings.threads,
        costs=costs(settings, model.format, purpose, projector=found.projector is not None),
        beside=found,
    )
    return {
        **known,
        "title": header.name,
        "licence": known.get("licence") or header.licence,
        "parameters": model.weights,
        "quantisation": header.quantisation,
        "context_length": header.context_length,
        "chat_template": header.chat_template,
        "memory": memory(
            part.bytes,
            Machine(settings),
            part.gpu,
            kv=part.kv,
            tokens=part.context * settings.slots,
            slots=settings.slots,
            planned=True,
        ),
    }


def _of_entry(hub: Hub, entry: Entry, settings: InferenceSettings) -> dict[str, Any]:
    known = {
        "name": entry.name,
        "title": entry.title,
        "bytes": entry.expected,
        "download": entry.to_fetch,
        "format": entry.format,
        "engine": engine_for(entry.format, settings),
        "files": [{"file": each.file, "bytes": each.size, "sha256": each.sha256} for each in entry.items],
        "kind": entry.kind,
        "licence": entry.licence,
        "about": entry.about,
        "source": entry.origin,
        "sha256": entry.sha256,
        "memory": expected(entry, Machine(settings)),
    }
    return known | others(known, fitting_of(hub.catalogue(), settings))


def _noted(model: ModelFile) -> manifest.Manifest | None:
    """The manifest, if it is of this file."""
    noted = manifest.read(model.file.parent)
    return noted if noted is not None and noted.file == model.file.name else None
