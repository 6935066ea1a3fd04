"""The models on this machine: ``<models>/<name>/<file>.gguf``, or a folder in another format."""

from __future__ import annotations

import difflib
import glob
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ide_agent.errors import ModelFileInvalid, ModelNotFound
from ide_agent.inference.adapters import adapters_of
from ide_agent.inference.chosen import choose, chosen
from ide_agent.inference.folders import look, read_folder
from ide_agent.inference.gguf import GgufHeader, read_header
from ide_agent.inference.header import Format, Header, Purpose, made_for

USED = ".used"
"""A file beside a model; its time is that of the model's last use."""

_PART = re.compile(r"-(\d{5})-of-(\d{5})$")
PROJECTOR = "mmproj"
_READ_TEXT: tuple[Format, ...] = ("gguf", "safetensors", "onnx")
PURPOSES: tuple[Purpose, ...] = ("text", "embedding", "reranking")


@dataclass(frozen=True)
class ModelFile:
    """A model: a file, or a folder where its format is not GGUF.

    Attributes:
        name: what people and settings call it.
        file: the GGUF file; the first one of a split model. Of others the file that begins them:
            ``config.json`` of safetensors, the graph of ONNX and Piper, ``model.bin`` of CTranslate2.
        bytes: its size; that of all its files.
        modified_ns: when it was changed last, any part of it.
        format: how it is stored, which decides what can run it.
    """

    name: str
    file: Path
    bytes: int
    modified_ns: int
    format: Format = "gguf"

    @property
    def weights(self) -> int:
        """Number of weights; where the model is split, estimated from the first part's share of the bytes."""
        header = self.header
        if not isinstance(header, GgufHeader) or self.bytes <= header.file_bytes:
            return header.parameters
        # a first part may hold no weights at all; a byte each is about right
        return header.parameters * self.bytes // header.file_bytes or self.bytes

    @property
    def header(self) -> Header:
        """What its header says; read once for every version of the file. A `GgufHeader` where it is GGUF.

        Raises:
            ModelFileInvalid: not what it is called, corrupt or truncated.
        """
        known = _header(self.format, self.file, self.bytes, self.modified_ns)
        if isinstance(known, ModelFileInvalid):
            raise ModelFileInvalid(known.key_used, **known.params)
        return known


def matching(folder: Path, pattern: str) -> list[Path]:
    """What in `folder` matches the glob `pattern`; nothing where the folder was removed, perhaps just now."""
    try:
        return list(folder.glob(pattern))
    except OSError:
        return []


def projectors(model: ModelFile) -> list[ModelFile]:
    """What lies beside `model`, which is in GGUF, and lets it see or hear; by name."""
    beside = sorted(matching(model.file.parent, f"{PROJECTOR}*.gguf")) if model.format == "gguf" else []
    return [found for file in beside if (found := _model(file.stem, file)) is not None]


def note_use(model: ModelFile) -> None:
    """`model` is used now."""
    with suppress(OSError):  # somebody else's folder
        (model.file.parent / USED).touch()


@lru_cache(maxsize=256)
def _header(form: Format, file: Path, size: int, modified_ns: int) -> Header | ModelFileInvalid:
    """The header, or why the file has none; what may be better the next time is raised."""
    if form != "gguf":
        return read_folder(form, file)
    try:
        return read_header(file)
    except ModelFileInvalid as failure:
        if isinstance(failure.__cause__, OSError):
            raise
        return ModelFileInvalid(failure.key_used, **failure.params)


class ModelStore:
    """The models folder.

    Args:
        folder: holds one folder a model.
        default: the model that an empty name stands for; empty: the one that was chosen (see `chosen`), else
            the newest one that writes text, in GGUF if there is any.
    """

    def __init__(self, folder: Path, default: str = "") -> None:
        self._folder = folder
        self._default = default

    def list(self) -> list[ModelFile]:
        """All models, newest first. Their headers are not looked at."""
        found: list[ModelFile] = []
        try:
            each = self._folder.iterdir()
            # what arrives lies in a hidden folder
            folders = [path for path in each if path.is_dir() and not path.name.startswith(".")]
        except OSError:
            return []
        for folder in folders:
            files = [file for file in matching(folder, "*.gguf") if _starts_model(file)]
            for file in files:
                name = folder.name if len(files) == 1 else f"{folder.name}/{file.stem}"
                model = _model(name, file)
                if model is not None:
                    found.append(model)
            if not files and (model := _folder_model(folder)) is not None:
                found.append(model)
        return sorted(found, key=lambda model: (-model.modified_ns, model.name))

    def find(self, name: str = "", purpose: Purpose = "text") -> ModelFile:
        """The model called `name`: a name out of `list`, that of an adapter, a folder's name, the path of
        a GGUF file or that of a folder in another format.

        Args:
            name: empty: the default one.
            purpose: who names none gets the one that was chosen for it, else the newest one that was made for
                it; for vectors, where there is none, one that writes.

        Raises:
            ModelNotFound: there is none; without a name: there is no model for that.
        """
        models = self.list()
        free = not name and (purpose != "text" or not self._default)
        if free and (found := self._noted(purpose, models)) is not None:
            return found
        if purpose != "text" and not name:
            if (found := _first(models, purpose)) is not None:
                return found
            if purpose == "reranking":
                raise ModelNotFound("error.model.no_rerankers")
        wanted = name or self._default
        if not wanted:
            return _default(models)
        found = called(wanted, models) or _adapted(wanted, models)
        if found is None:
            found = _at(wanted)
            if found is None:
                raise not_here(wanted, models)
            found = _among(models, found)
        return found

    def default(self, purpose: Purpose) -> ModelFile | None:
        """The model that was made for `purpose` and does that for who names none."""
        try:
            found = self.find("", purpose)
        except ModelNotFound:
            return None
        return found if _made_for(found) == purpose else None

    def hold(self, besides: str = "") -> None:
        """Note the default models of now, lest one that comes takes the place of one without being asked.

        One that does no job of its own, or that only few machines run, gives way to a better one.

        Args:
            besides: folder of a model that came just now.
        """
        models = [model for model in self.list() if model.file.parent.name != besides]
        for purpose in PURPOSES:
            found = None if self._noted(purpose, models) else _first(models, purpose)
            if found is None or found.format == "safetensors":
                continue
            if purpose != "text" or _has_a_job(found):
                with suppress(OSError):  # somebody else's folder
                    choose(self._folder, purpose, found.name)

    def _noted(self, purpose: Purpose, models: Iterable[ModelFile]) -> ModelFile | None:
        """The one of `models` that was chosen for `purpose`."""
        name = chosen(self._folder).get(purpose)
        found = next((model for model in models if model.name == name), None)
        return found if found is not None and _made_for(found) == purpose else None


def folded(name: str) -> str:
    """`name` as names are compared: upper and lower case are one, the i's of Turkish among them."""
    return name.casefold().replace("\u0307", "").replace("ı", "i")


def called(name: str, models: Iterable[ModelFile]) -> ModelFile | None:
    """The one of `models` that is called `name`, or whose folder is; case counts where it has to."""
    here = list(models)
    for fold in (str, folded):
        for model in here:
            if fold(name) in (fold(model.name), fold(model.file.parent.name)):
                return model
    return None


def not_here(name: str, models: Iterable[ModelFile]) -> ModelNotFound:
    """None of `models` is called `name`; names those that nearly are."""
    near = difflib.get_close_matches(name.lower(), [model.name for model in models], n=3)
    if near:
        return ModelNotFound("error.model.here_near", name=name, near=", ".join(near))
    return ModelNotFound(name=name)


def written(name: str, names: Iterable[str]) -> str | None:
    """`name` as it is written among `names`; case counts where it has to."""
    known = list(names)
    for fold in (str, folded):
        for each in known:
            if fold(name) == fold(each):
                return each
    return None


def _adapted(name: str, models: Iterable[ModelFile]) -> ModelFile | None:
    """The one of `models` that has the adapter called `name`."""
    having = {adapter.name: model for model in models for adapter in adapters_of(model)}
    found = written(name, having)
    return None if found is None else having[found]


def _at(path: str) -> ModelFile | None:
    """The model that somebody means who names a path."""
    try:
        place = Path(path).expanduser()
        if path.endswith(".gguf"):
            place = place.parent.resolve() / place.name  # the last link tells the name
            return _model(place.stem, place)
        return _folder_model(place.resolve()) if place.is_absolute() else None
    except (RuntimeError, ValueError):  # a user's home that there is not, or what no path can be
        return None


def _among(models: Iterable[ModelFile], found: ModelFile) -> ModelFile:
    """The one of `models` that `found` is, by whatever way it was found: it is not to be loaded twice."""
    with suppress(OSError):  # one goes just now
        for model in models:
            if model.bytes == found.bytes and model.file.samefile(found.file):
                return model
    return found


def _default(models: list[ModelFile]) -> ModelFile:
    """Of `models`, newest first, the one that somebody gets who names none.

    A base model, neither made for conversations nor to fill in the middle, is the last of those that write.
    """
    able = [model for form in _READ_TEXT for model in models if model.format == form]
    able = [model for model in able if _made_for(model) != "reranking"]
    if not able:
        raise ModelNotFound("error.model.none")
    writing = [model for model in able if _made_for(model) == "text"]
    return next((model for model in writing if _has_a_job(model)), (writing or able)[0])


def _first(models: Iterable[ModelFile], purpose: Purpose) -> ModelFile | None:
    """Of `models`, newest first, the one that does `purpose` for who names none unless one was chosen."""
    able = [each for each in models if each.format in _READ_TEXT and _made_for(each) == purpose]
    return _default(able) if able and purpose == "text" else next(iter(able), None)


def _has_a_job(model: ModelFile) -> bool:
    try:
        return bool(model.header.chat_template or model.header.has_fim)
    except ModelFileInvalid:
        return True  # as `_made_for`


def _made_for(model: ModelFile) -> Purpose:
    """What `model` is for; a damaged one for text, for whoever asks it to hear of that."""
    try:
        return made_for(model.header)
    except ModelFileInvalid:
        return "text"


def _folder_model(folder: Path) -> ModelFile | None:
    try:
        found = look(folder)
        stats = [file.stat() for file in found.weighs] if found is not None else []
    except OSError:
        return None
    if found is None:
        return None
    size, modified = sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)
    return ModelFile(folder.name, found.begins, size, modified, found.format)


def _starts_model(file: Path) -> bool:
    part = _PART.search(file.stem)
    return (part is None or int(part[1]) == 1) and not file.name.startswith(PROJECTOR)


def _model(name: str, file: Path) -> ModelFile | None:
    try:
        stats = [part.stat() for part in split_parts(file)]
        if not file.is_file():
            return None
    except OSError:
        return None
    return ModelFile(name, file, sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats))


def split_parts(file: Path) -> list[Path]:
    """All files of the model that `file` begins."""
    match = _PART.search(file.stem)
    if match is None:
        return [file]
    start, count = file.stem[: match.start()], match[2]
    later = matching(file.parent, f"{glob.escape(start)}-[0-9][0-9][0-9][0-9][0-9]-of-{count}{file.suffix}")
    return [file, *(part for part in later if part != file)]
