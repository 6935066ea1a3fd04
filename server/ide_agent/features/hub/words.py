"""Progress and sizes in words. Light: the lsp process uses it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from ide_agent.errors import from_wire
from ide_agent.locale import number, translate

_KB, _MB, _GB = 1_000, 1_000_000, 1_000_000_000
_MILLION = 1_000_000
_ECHOED = 60


def describe(event: Mapping[str, Any], language: str) -> str:
    """One line for a progress event, e.g. ``downloading 12.3 / 92.9 MB, 4.1 MB/s, 0:20 left``."""
    if names := event.get("names"):
        freed = size(event.get("done") or 0, language)
        return translate("hub.phase.removed", language, names=", ".join(names), size=freed)
    parts = [translate(f"hub.phase.{event.get('phase', '')}", language)]
    done, total = event.get("done") or 0, event.get("total") or 0
    if total:
        parts[0] += f" {number(done / _unit(total)[0], language)} / {size(total, language)}"
    elif done:
        parts[0] += f" {size(done, language)}"
    if speed := event.get("speed"):
        parts.append(f"{number(speed / _MB, language)} MB/s")
    if (eta := event.get("eta")) is not None:
        minutes, seconds = divmod(round(eta), 60)
        parts.append(translate("hub.phase.left", language, time=f"{minutes}:{seconds:02}"))
    return ", ".join(parts)


def percent(event: Mapping[str, Any]) -> float | None:
    """0 to 100 while the total is known."""
    total = event.get("total") or 0
    return min(100.0, 100.0 * (event.get("done") or 0) / total) if total else None


def size(count: int, language: str) -> str:
    """`count` bytes as kB, MB or GB; a single byte is a tenth of a kilobyte, not none."""
    unit, name = _unit(count)
    shown = max(count, unit // 10) if count else 0
    return f"{number(shown / unit, language)} {name}"


def _unit(count: int) -> tuple[int, str]:
    if count >= _GB:
        return _GB, "GB"
    return (_KB, "kB") if 0 < count < _MB // 10 else (_MB, "MB")


def facts(known: Mapping[str, Any], language: str) -> list[tuple[str, str, str]]:
    """What `about.about` found, for people: key, what it is, its value. What is not known is left out."""

    def words(key: str, **params: Any) -> str:
        return translate(f"hub.fact.{key}", language, **params)

    length, parameters = known.get("context_length"), known.get("parameters")
    values = {
        "title": known.get("title"),
        "about": translate(known["about"], language) if known.get("about") else "",
        "size": _held(known, language),
        "memory": taken(known["memory"], language)
        if known.get("loaded") or not known.get("engine", "?")
        else fits(known["memory"], language),
        "instead": known.get("instead"),
        "default": words(_answers(known)) if known.get("default") else "",
        "format": form(known.get("format", ""), language),
        "files": _files(known.get("files", []), language),
        "adapters": _adapters(known.get("adapters"), language),
        "engine": (known["engine"] or words("no_engine")) if "engine" in known else "",
        "running": words("yes") if known.get("loaded") else "",
        "parameters": f"{number(parameters / _MILLION, language)} M" if parameters else "",
        "quantisation": known.get("quantisation"),
        "kind": translate(f"hub.kind.{known['kind']}", language) if known.get("kind") else "",
        "architecture": known.get("architecture"),
        "context": words("tokens", count=length) if length else "",
        "fim": words("yes" if known["fim"] else "no") if "fim" in known else "",
        "chat": words("yes" if known["chat_template"] else "no") if "chat_template" in known else "",
        "licence": known.get("licence"),
        "source": known.get("source"),
        "sha256": known.get("sha256"),
        "file": known.get("file"),
    }
    return [(key, words(key), value) for key, value in values.items() if value]


def echoed(words: str) -> str:
    """What somebody typed, short enough to be said again within a sentence."""
    return words if len(words) <= _ECHOED else f"{words[: _ECHOED - 1]}…"


def form(form: str, language: str) -> str:
    """A format, for people; empty for none."""
    return translate(f"hub.format.{form}", language) if form else ""


def not_asked(problem: Mapping[str, Any], language: str) -> str:
    """One line: that the hub was not asked, and why."""
    return translate("hub.not_asked", language, reason=from_wire(dict(problem)).message(language))


def no_engine(form: str, runs: Collection[str], language: str) -> str:
    """That nothing here runs models of the format `form`, to stand behind a sentence; empty where one does.

    Args:
        form: empty: not known.
        runs: see `listing.runnable`.
        language: of the reader.
    """
    return "" if not form or form in runs else f" {translate('hub.no_engine', language)}"


def no_hub(source: str, language: str) -> str:
    """That a model of that `source` (see `filters.source_of`) needs no hub, to stand behind its name."""
    return translate("hub.no_hub", language) if source == "pypi" else ""


def _answers(known: Mapping[str, Any]) -> str:
    """Message key: what a default model does."""
    kind = known.get("kind")
    return f"answers_{kind}" if kind in ("embedding", "reranking") else "answers"


def _held(known: Mapping[str, Any], language: str) -> str:
    """What it takes on the disk; where it is not here also what is still to come, which may be packed."""
    if not known["bytes"]:
        return ""
    disk = translate("hub.fact.on_disk", language, size=size(known["bytes"], language))
    if "file" in known:
        return disk
    come = translate("hub.fact.to_download", language, size=size(known["download"], language))
    return come if known["download"] == known["bytes"] else f"{come}, {disk}"


def _files(files: Sequence[Mapping[str, Any]], language: str) -> str:
    """The files of a model that has several."""
    if len(files) < 2:
        return ""
    each = [file["file"] + (f" ({size(file['bytes'], language)})" if file["bytes"] else "") for file in files]
    return ", ".join(each)


def _adapters(own: Mapping[str, Any] | None, language: str) -> str:
    """The adapters of a model."""
    return f"{own['count']} ({size(own['bytes'], language)}), {own['folder']}" if own else ""


def taken(memory: Mapping[str, Any], language: str) -> str:
    """What a model takes that is in memory, so that nobody has to ask whether it fits."""
    return translate("hub.fact.takes", language, need=size(memory["need"], language))


def too_big(name: str, takes: Mapping[str, Any], language: str) -> str:
    """Why nobody should get model `name`; empty where it would run once there is room.

    Args:
        name: of the model.
        takes: ``memory``, and what there is instead; see `fit`.
        language: of the reader.
    """
    return unfit(name, takes["memory"], takes, language) if takes["memory"]["verdict"] == "too_big" else ""


def fits(memory: Mapping[str, Any], language: str) -> str:
    """The verdict of `about.memory`."""
    need, free = size(memory["need"], language), size(memory["free"], language)
    verdict = translate(f"hub.fact.{memory['verdict']}", language, need=need, free=free)
    if memory.get("kv"):
        slots = memory["slots"]
        context = translate("hub.row.context", language, count=slots, context=memory["tokens"] // slots)
        verdict += translate("hub.fact.kv", language, kv=size(memory["kv"], language), context=context)
    if (gpu := memory.get("gpu")) is None:
        return verdict
    held = size(gpu["bytes"], language)
    return verdict + translate("hub.fact.gpu", language, layers=gpu["layers"], of=gpu["of"], bytes=held)


def fit(memory: Mapping[str, Any], form: str, runs: Collection[str], language: str) -> str:
    """The verdict in a word or two; of what nothing here runs that it cannot, whatever memory it takes.

    Args:
        memory: of a model.
        form: see `no_engine`.
        runs: see `no_engine`.
        language: of the reader.
    """
    if no_engine(form, runs, language):
        return translate("hub.fit.no_engine", language)
    return translate(f"hub.fit.{memory['verdict']}", language)


def unfit(name: str, memory: Mapping[str, Any], other: Mapping[str, str], language: str) -> str:
    """That model `name` does not fit, and what does (see `fit.others`); empty where it fits."""
    verdict = memory["verdict"]
    if verdict == "fits":
        return ""
    need, total = size(memory["need"], language), size(memory["total"], language)
    said = [translate(f"hub.unfit.{verdict}", language, name=name, need=need, total=total)]
    if other["instead"]:
        said.append(translate("hub.unfit.instead", language, name=other["instead"]))
    return " ".join(said)


def pull_told(name: str, outcome: Mapping[str, str], language: str) -> str:
    """What `defaults.after_pull` found of model `name`, which came: it is the default one now, or another one
    stays that; empty where there is nothing to say.
    """
    if not outcome.get("default") or (outcome["default"] == name and not outcome["replaced"]):
        return ""
    task = translate(f"hub.row.{outcome['purpose']}", language)
    words = {"name": name, "default": outcome["default"], "before": outcome["replaced"], "task": task}
    return translate("hub.now_default" if outcome["replaced"] else "hub.stays_default", language, **words)


def removal_told(changed: Mapping[str, str | None], language: str) -> str:
    """What `defaults.changed` found: who answers now, or that nobody does and what to do."""
    said = (
        translate(f"hub.{'default_now' if name else 'no_default'}.{purpose}", language, name=name)
        for purpose, name in changed.items()
    )
    return " ".join(said)


def verified(found: Mapping[str, Any]) -> str:
    """Message key for what `about.verify` found."""
    return "hub.verified" if found["known"] else "hub.readable"


def status_line(row: Mapping[str, Any], language: str) -> str:
    """A row of ``GET /models/running`` in one line, e.g. ``Mistral-7B (gguf/q4) 🟢 Running``."""
    state = translate(f"state.{row['state']}", language)
    return translate("state.line", language, model=row["name"], format=row["format"], state=state)


def running(row: Mapping[str, Any], language: str) -> str:
    """What else there is to say of it, what people want first; what is not known is left out."""

    def words(key: str, **params: Any) -> str:
        return translate(f"hub.row.{key}", language, **params)

    if row["reason"]:
        return from_wire(row["reason"]).message(language)
    parts = [
        words("memory", rss=size(row["rss"], language)) if row["rss"] else "",
        words("since", time=_clock(row["since"])) if row["since"] else "",
        words("kept") if row["active"] else "",
        words("busy", busy=row["busy"]) if row["busy"] else "",
        words("idle", time=_span(row["idle"])) if row["idle"] is not None else "",
        words(row["purpose"]),
        words("context", count=row["slots"], context=row["context"]) if row["slots"] else "",
        words("planned", planned=size(row["bytes"], language)),
        words("cache", cache=size(row["cache"], language)) if row["cache"] else "",
        row["engine"],
    ]
    return ", ".join(part for part in parts if part)


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M")


def _span(seconds: float) -> str:
    """``m:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
