"""`ide-agent doctor`: looks at what ghost text needs, from the ground up."""

from __future__ import annotations

import importlib.util
import os
import platform
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ide_agent import __version__, config
from ide_agent.errors import IdeAgentError, ModelError, from_wire
from ide_agent.locale import translate
from ide_agent.paths import config_file, data_dir, models_dir, routes_file, state_dir
from ide_agent.reasons import Reason, reason_of
from ide_agent.runtime import RuntimeInfo, call, ensure_host

_ENGINES = {"xllamacpp": "xllamacpp", "llama-cpp-python": "llama_cpp"}
_SUBJECTS = {"error.storage.": "database", "error.plugin.": "plugins", "error.routes.": "routes"}
_LOAD_SECONDS = 120.0
_LOOK_SECONDS = 0.3
"""How often to look whether the model that is asked waits for a place in memory."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what: environment, machine, data_folder, state_folder, config_folder, models_folder,
            settings, model, runtimes, host, engine, database, plugins, routes or remote; part of a key.
        ok: whether it is as it should be.
        key: message key of the detail, which also says what to do.
        params: its parameters.
        error: what is wrong, if anything is.
        warns: nothing is wrong, and yet somebody may want to do something about it.
    """

    subject: str
    ok: bool
    key: str
    params: dict[str, Any] = field(default_factory=dict)
    error: IdeAgentError | None = None
    warns: bool = False

    def detail(self, language: str) -> str:
        """What was found and what to do about it."""
        return self.error.message(language) if self.error else translate(self.key, language, **self.params)

    @classmethod
    def bad(cls, subject: str, error: IdeAgentError) -> Finding:
        """The finding that `error` is."""
        return cls(subject, False, error.key_used, error.params, error)


def examine() -> Iterator[Finding]:
    """All findings, each as soon as it is made; starts the host and loads the default model."""
    environment = list(_environment())
    yield from environment
    if not all(finding.ok for finding in environment):
        return
    yield from _settings(_workspace())
    yield from _remote()
    rules = list(_rules())
    yield from rules
    models = _models()
    yield models
    try:
        info = ensure_host()
        status = call(info, "GET", "/status")
    except IdeAgentError as error:
        yield from _runtimes(None)
        yield Finding.bad("host", error)
        return
    yield from _runtimes(info)
    yield Finding("host", True, "cli.host.running", {"url": info.url, "pid": info.pid})
    said = {finding.detail("en") for finding in rules}  # of the file as it is now
    yield from (finding for finding in _complaints(status) if finding.detail("en") not in said)
    if models.ok:
        yield _engine(info, str(models.params.get("default", "")))


def to_look_after(status: dict[str, Any]) -> Iterator[Finding]:
    """What is wrong with the settings or the host that runs, though it runs.

    Args:
        status: what it answers to ``GET /status``.
    """
    yield from (finding for finding in _settings(None) if not finding.ok)
    yield from _complaints(status)


def _complaints(status: dict[str, Any]) -> Iterator[Finding]:
    """What a running host has to complain of, and whether it goes by other settings than those of now."""
    if changed := _changed(status.get("settings") or {}):
        yield Finding("host", False, "cli.host.changed", {"names": ", ".join(changed)})
    # What is wrong with the settings is said from the file as it is now.
    for wire in status["problems"]:
        for start, subject in _SUBJECTS.items():
            if str(wire.get("code")).startswith(start):
                yield Finding.bad(subject, from_wire(wire))


def _changed(before: dict[str, Any]) -> list[str]:
    """The settings that are no longer as in `before`; those that only one version knows do not count."""
    now = config.load(user=config_file())[0].model_dump(mode="json")
    return [
        f"{section}.{name}"
        for section, values in before.items()
        for name, value in values.items()
        if now.get(section, {}).get(name, value) != value
    ]


def _environment() -> Iterator[Finding]:
    versions = {
        "version": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    yield Finding("environment", True, "cli.doctor.versions", versions)
    yield _machine()
    yield _folder("data_folder", data_dir, written=True)
    yield _folder("state_folder", state_dir, written=True)
    yield _folder("config_folder", lambda: config_file().parent)
    yield _folder("models_folder", models_dir)


def _machine() -> Finding:
    """What there is for models to run on."""
    from ide_agent.inference.gpus import gpus
    from ide_agent.inference.resources import default_threads, total_memory

    try:
        folder = models_dir()
    except OSError as failure:
        folder = Path(failure.filename)
    here = {
        "memory": total_memory() / 1e9,
        "cores": os.cpu_count() or 1,
        "threads": default_threads(),
        "disk": _free(folder) / 1e9,
    }
    if cards := [f"{gpu.name} ({gpu.total / 1e9:.0f} GB)" for gpu in gpus()]:
        return Finding("machine", True, "cli.doctor.with_gpus", {**here, "gpus": ", ".join(cards)})
    return Finding("machine", True, "cli.doctor.hardware", here)


def _free(folder: Path) -> int:
    """Bytes that are free where `folder` is, or will be."""
    for each in (folder, *folder.parents):
        with suppress(OSError):
            return shutil.disk_usage(each).free
    return 0


def _folder(subject: str, find: Callable[[], Path], *, written: bool = False) -> Finding:
    """Where a folder is.

    Args:
        subject: which.
        find: names it; may make it.
        written: whether nothing works unless we can write there.
    """
    try:
        folder = find()
    except OSError as failure:
        folder = Path(failure.filename)
    usable = not written or _writable(folder)
    return Finding(
        subject, usable, "cli.doctor.file" if usable else "cli.doctor.read_only", {"file": str(folder)}
    )


def _writable(folder: Path) -> bool:
    """Whether files can be written below `folder`, which may not be there yet."""
    try:
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        return nearest.is_dir() and os.access(nearest, os.W_OK)
    except OSError:  # a folder on the way there may not be entered
        return False


def _workspace() -> Path:
    """The folder whose settings hold here: this one, or the nearest above it that has any."""
    try:
        above = Path.cwd().parents
    except OSError:  # somebody removed this one
        return Path()
    folders = (folder for folder in (Path(), *above) if os.access(folder / config.WORKSPACE_FILE, os.F_OK))
    return next(folders, Path())


def _settings(workspace: Path | None) -> Iterator[Finding]:
    """The user's own settings, and those of a workspace."""
    user = config_file()
    _, problems = config.load(user=user, workspace=workspace)
    yield from (Finding.bad("settings", problem) for problem in problems)
    wrong = {problem.params["file"] for problem in problems}
    if str(user) not in wrong:
        key = "cli.doctor.file" if user.exists() else "cli.doctor.defaults"
        yield Finding("settings", True, key, {"file": str(user)})
    if workspace is None:
        return
    file = workspace / config.WORKSPACE_FILE
    if str(file) not in wrong and file.exists():
        yield Finding("settings", True, "cli.doctor.file", {"file": str(file)})


def _remote() -> Iterator[Finding]:
    """Whether remote models are on, and where each endpoint is."""
    from ide_agent.safety.network import NetworkPolicy

    settings, problems = config.load(user=config_file())
    if any(f"{problem.params.get('key')}.".startswith("remote.") for problem in problems):
        yield Finding("remote", False, "remote.kept_off")
        return
    remote, policy = settings.remote, NetworkPolicy()
    yield Finding("remote", True, "remote.is_on" if remote.enabled else "remote.is_off")
    for name, each in remote.endpoints.items():
        place: Reason = {"code": f"remote.{policy.place(each)}", "params": {}}
        # switched off it harms nobody
        fine = not (remote.enabled and policy.in_clear(each))
        yield Finding("remote", fine, "cli.doctor.endpoint", {"name": name, "url": each.url, "place": place})


def _rules() -> Iterator[Finding]:
    """The user's routing rules, as they are in the file."""
    from ide_agent.inference.models import ModelStore
    from ide_agent.inference.routing.known import known_models
    from ide_agent.inference.routing.router import load

    file = routes_file()
    if not file.exists():
        yield Finding("routes", True, "routes.absent", {"file": str(file)})
        return
    settings, _ = config.load(user=config_file())
    known = known_models(ModelStore(models_dir(), settings.inference.model), settings.remote.endpoints)
    reading = load(file, known)
    wrong = [problem for problem in reading.problems if problem.severity == "error"]
    yield from (Finding.bad("routes", problem.error(str(file))) for problem in wrong)
    if not wrong:
        count = len(reading.routes.rules) if reading.routes is not None else 0
        key = "cli.doctor.rules_warned" if reading.problems else "cli.doctor.rules"
        yield Finding("routes", True, key, {"count": count, "file": str(file)})


def _models() -> Finding:
    from ide_agent.inference.models import ModelStore

    settings, _ = config.load(user=config_file())
    store = ModelStore(models_dir(), settings.inference.model)
    try:
        default = store.find()
        _ = default.header
    except ModelError as error:
        return Finding.bad("model", error)
    names = [model.name for model in store.list()]
    return Finding("model", True, "cli.doctor.models", {"names": ", ".join(names), "default": default.name})


def _runtimes(info: RuntimeInfo | None) -> Iterator[Finding]:
    """What runs other formats than GGUF, and which models nothing runs; as the host sees it."""
    seen = _survey(info)
    here, lacking = seen["here"], seen["lacking"]
    which = "some" if here and lacking else "all" if here else "none"
    names = {"here": ", ".join(here), "lacking": ", ".join(lacking)}
    yield Finding("runtimes", True, f"cli.doctor.runtimes_{which}", names)
    if seen["for_speech"]:
        names = {"names": ", ".join(seen["for_speech"])}
        yield Finding("runtimes", True, "cli.doctor.runtimes_speech", names)
    yield from (Finding.bad("runtimes", from_wire(wire)) for wire in seen["problems"])


def _survey(info: RuntimeInfo | None) -> dict[str, Any]:
    from ide_agent.host.runtimes import survey
    from ide_agent.inference.models import ModelStore

    if info is not None:
        with suppress(IdeAgentError):  # one of an earlier version
            return dict(call(info, "GET", "/engine/runtimes"))
    return survey(config.load(user=config_file())[0].inference, ModelStore(models_dir()))


def _engine(info: RuntimeInfo, model: str) -> Finding:
    """Let `model`, the default one, write one token; where it waits for a place, say that instead."""
    present = [name for name, module in _ENGINES.items() if importlib.util.find_spec(module)]
    if not present:
        return Finding("engine", False, "cli.doctor.no_engine")
    outcome: queue.SimpleQueue[dict[str, Any] | IdeAgentError] = queue.SimpleQueue()

    def ask() -> None:
        body = {"model": model, "prompt": "def", "max_tokens": 1}
        try:
            outcome.put(call(info, "POST", "/v1/completions", body, timeout=_LOAD_SECONDS))
        except IdeAgentError as error:
            outcome.put(error)

    threading.Thread(target=ask, daemon=True).start()  # who no longer wants to know does not wait for it
    while True:
        with suppress(queue.Empty):
            answer = outcome.get(timeout=_LOOK_SECONDS)
            break
        if (why := _waits(info, model)) is not None:
            return Finding("engine", True, "cli.doctor.waits", {"why": why}, warns=True)
    if isinstance(answer, IdeAgentError):
        return Finding.bad("engine", answer)
    return Finding(
        "engine", True, "cli.doctor.answers", {"names": ", ".join(present), "model": answer.get("model", "?")}
    )


def _waits(info: RuntimeInfo, model: str) -> Reason | None:
    """Why `model` waits for a place in memory; None where it does not."""
    with suppress(IdeAgentError):  # it cannot be asked: then the answer tells, or its absence
        for row in call(info, "GET", "/models/running")["models"]:
            if row["name"] == model and row["state"] == "waiting" and row["reason"]:
                return reason_of(from_wire(row["reason"]))
    return None
