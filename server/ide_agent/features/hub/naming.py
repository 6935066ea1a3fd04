"""What somebody wants who names a model, an address, a repository of a hub, or what is here already."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ide_agent import config
from ide_agent.errors import DownloadError, ModelError, ModelFileInvalid, ModelNotFound
from ide_agent.features.hub.catalogue import Entry, find, of_address, of_files, of_offer
from ide_agent.features.hub.fit import best_that_fits
from ide_agent.features.hub.formats import Layout, has_pickles, layouts, refuse_pickle
from ide_agent.features.hub.sources import Remote, huggingface, pages
from ide_agent.features.hub.sources.huggingface import Offer
from ide_agent.features.hub.sources.url import is_address
from ide_agent.inference.pooling import POOLING
from ide_agent.paths import config_file

_GGUF = b"GGUF"
_ANY_HASH = "0" * 64


def named(entries: Mapping[str, Entry], what: str, name: str = "", sha256: str = "", file: str = "") -> Entry:
    """The entry that somebody means. Where it is on a hub, that is asked, which blocks.

    Args:
        entries: what has a name of its own.
        what: one of these names, an address, or ``owner/name`` or ``owner/name/file`` on a Hugging Face hub,
            with or without ``hf:`` before it, or the page there that shows it.
        name: what to call it.
        sha256: its hash, if the user knows it.
        file: which file of the repository.

    Raises:
        ModelNotFound: there is no such thing; tells the nearest names.
        ModelError: one of the catalogue is to be called otherwise.
        ModelFileInvalid: it is there, and no model; says why.
        DownloadError: the hub cannot be asked, or the file is not there.
    """
    what = pages.of_page(what) or what
    if is_address(what):
        return _here(what, name) if urlsplit(what).scheme == "file" else of_address(what, name, sha256)
    if what.startswith(pages.PREFIX) or "/" in what:
        wanted = f"{what.rstrip('/')}/{file}" if file else what
        return of_offer(huggingface.find(wanted, _best), name)
    known = find(entries, what)
    if name not in ("", known.name):
        raise ModelError("error.model.named", name=known.name)
    if isinstance(known.source, huggingface.HubSource):
        return known.located(huggingface.find(known.source.name))
    return known


def _best(offers: Sequence[Offer]) -> Offer | None:
    """The one of `offers` that fits best, as the user has set how much context there is to be."""
    return best_that_fits(offers, config.load(user=config_file())[0].inference)


def refuse_hopeless(address: str) -> None:
    """Refuse an address from which no model can come, whatever it is called and whatever hash it has.

    Raises:
        ModelNotFound, ModelFileInvalid, DownloadError: see `named`.
    """
    named({}, address, sha256=_ANY_HASH)


def _here(url: str, name: str) -> Entry:
    """For a file or folder of this machine."""
    path = Remote(url).local or Path()
    if path.is_dir():
        return _folder(path, name)
    if not path.exists():
        raise DownloadError("error.download.no_file", path=str(path))
    if path.suffix.lower() == ".gguf":
        if _start(path) != _GGUF:
            raise ModelFileInvalid("error.model.not_a_model", file=str(path))
        return of_address(url, name)
    if path.suffix == ".onnx" and path.with_name(f"{path.name}.json").is_file():
        return of_files([path, path.with_name(f"{path.name}.json")], name, path.name)
    key = "error.model.pickle_file" if has_pickles([path.name]) else "error.model.no_model_file"
    raise ModelFileInvalid(key, file=str(path))


def _start(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(len(_GGUF))
    except OSError as failure:
        raise _unreadable(file, failure) from failure


def _unreadable(path: Path, failure: OSError) -> ModelFileInvalid:
    reason = failure.strerror or type(failure).__name__
    return ModelFileInvalid("error.model.unreadable", file=str(path), reason=reason)


def _folder(folder: Path, name: str) -> Entry:
    try:
        there = [*folder.iterdir(), folder / POOLING]
        sizes = {file.relative_to(folder).as_posix(): file.stat().st_size for file in there if file.is_file()}
        found = layouts(sizes, lambda path: (folder / path).read_bytes())
        chosen = _only(folder, found, sizes)
        files = [folder / path for path in chosen.files]
        home = folder.resolve()
        for file in files:
            if home not in file.resolve().parents:
                raise ModelFileInvalid("error.model.link", file=str(file), target=os.path.realpath(file))
            refuse_pickle(file)
        return of_files(files, name, folder.resolve().name)
    except OSError as failure:
        raise _unreadable(folder, failure) from failure


def _only(folder: Path, found: Sequence[Layout], sizes: Mapping[str, int]) -> Layout:
    if not found:
        key = "error.model.pickle_file" if has_pickles(sizes) else "error.model.no_model_folder"
        raise ModelFileInvalid(key, file=str(folder))
    if len(found) > 1 and found[0].format in ("gguf", "piper"):
        files = ", ".join(each.files[0] for each in found)
        raise ModelNotFound("error.model.which_file", name=str(folder), files=files)
    return found[0]
