"""What the hub's panel shows, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ide_agent.errors import from_wire
from ide_agent.features.hub import offers
from ide_agent.features.hub.drafts import Unfinished
from ide_agent.features.hub.pulls import Pull
from ide_agent.features.hub.words import describe, facts, form, percent, pull_told, size, status_line
from ide_agent.features.hub.words import running as running_words
from ide_agent.locale import translate, translator
from ide_agent.panels.blocks import (
    Action,
    ActionsBlock,
    Block,
    Column,
    ProgressBlock,
    Row,
    TableBlock,
    TextBlock,
    plain,
)

RUNNING, HERE, ABOUT = "running", "models", "about-model"


def _printable(text: str) -> str:
    """A file's name may hold what is no text."""
    return text.encode("utf-8", "replace").decode("utf-8")


def progress(pull: Pull, language: str) -> Block:
    """A pull that runs."""
    wire = pull.progress.as_wire()
    return ProgressBlock(
        id=f"pull.{pull.name}",
        label=pull.name,
        percent=percent(wire),
        detail=describe(wire, language),
        actions=[Action(name="stop", label=translate("hub.panel.stop", language), args={"name": pull.name})],
    )


def stopped(download: Unfinished, language: str) -> Block:
    """A pull that was stopped."""
    words, name = translator(language), download.entry.name
    wire = {"done": download.done, "total": download.total}
    return ProgressBlock(
        id=f"stopped.{name}",
        label=name,
        percent=percent(wire),
        detail=describe({"phase": "stopped", **wire}, language),
        actions=[
            Action(name="resume", label=words("hub.panel.resume"), style="primary", args={"name": name}),
            Action(
                name="discard",
                label=words("hub.panel.discard"),
                style="danger",
                confirm=words("hub.panel.discard_it", name=name),
                args={"name": name},
            ),
        ],
    )


def failure(name: str, message: str, language: str) -> list[Block]:
    """A pull that failed, and what to do about it."""
    words = translator(language)
    actions = [
        Action(name="again", label=words("hub.panel.again"), style="primary", args={"name": name}),
        Action(name="forget", label=words("hub.panel.forget"), args={"name": name}),
    ]
    return [
        TextBlock(id=f"failed.{name}", markdown=plain(message), level="error"),
        ActionsBlock(id=f"failed.{name}.actions", actions=actions),
    ]


def arrived(name: str, outcome: Mapping[str, str], language: str) -> list[Block]:
    """What a model that came changed, or left as it was."""
    if not (said := pull_told(name, outcome, language)):
        return []
    words = translator(language)
    other = outcome["replaced"] or name
    actions = [
        Action(name="default", label=words("hub.panel.make_default_name", name=other), args={"name": other}),
        Action(name="forget", label=words("hub.panel.forget"), args={"name": name}),
    ]
    return [
        TextBlock(id=f"arrived.{name}", markdown=plain(said)),
        ActionsBlock(id=f"arrived.{name}.actions", actions=actions),
    ]


def running(rows: Sequence[Mapping[str, Any]], limit: int, language: str) -> TableBlock:
    """What is in memory, and what waits for a place there."""
    words = translator(language)
    return TableBlock(
        id=RUNNING,
        title=words("hub.panel.running", count=sum(row["state"] != "waiting" for row in rows), limit=limit),
        empty=words("hub.nothing_runs"),
        columns=[
            Column(key="model", label=words("hub.panel.model")),
            Column(key="about", label=words("hub.panel.details")),
        ],
        rows=[
            Row(
                id=f"{row['name'][-480:]}.{row['purpose']}",
                cells={
                    "model": status_line({**row, "name": _printable(row["name"])}, language),
                    "about": running_words({**row, "idle": None}, language),
                },
                actions=[_about(_printable(row["name"]), language), *_switch(row, row["name"], language)],
            )
            for row in rows
        ],
    )


def _about(name: str, language: str) -> Action:
    """First in each row of a model that is here: it changes nothing."""
    return Action(name="about", label=translate("hub.panel.details", language), args={"name": name})


def _switch(row: Mapping[str, Any] | None, name: str, language: str, *, enabled: bool = True) -> list[Action]:
    """What can be done about model `name` in memory: `row` says how it is there, None that it is not."""
    words, args = translator(language), {"name": _printable(name)}
    waits = row is not None and row["state"] == "waiting"
    found: list[Action] = []
    if row is None or not (waits or row["active"] or row["state"] == "leaving"):
        found.append(Action(name="activate", label=words("hub.panel.activate"), args=args, enabled=enabled))
    if row is not None:
        label = words("hub.panel.give_up" if waits else "hub.panel.deactivate")
        found.append(Action(name="deactivate", label=label, args=args))
    return found


def inactive(name: str, message: str, language: str) -> TextBlock:
    """Why a model could not be activated."""
    return TextBlock(id=f"inactive.{name}", markdown=plain(message), level="error")


def _model(model: dict[str, Any], row: Mapping[str, Any] | None, language: str) -> Row:
    words = translator(language)
    name, held = _printable(model["name"]), size(model["bytes"], language)
    problem = model.get("problem")
    rests = words("hub.panel.ready") if model["engine"] else words("hub.fact.no_engine")
    state = words(f"state.{row['state']}") if row else rests
    if model["default"]:
        state = f"{state} · {words('hub.panel.default')}"
    waits = row is not None and row["state"] == "waiting"
    switch = _switch(row, name, language, enabled=not problem) if row or model["engine"] else []
    if model["choosable"]:
        switch.append(Action(name="default", label=words("hub.panel.make_default"), args={"name": name}))
    confirm = words("hub.confirm", name=name, size=held)
    if row is not None and not waits:
        confirm = f"{words('hub.confirm_running', name=name)} {confirm}"
    return Row(
        id=name[-500:],
        cells={
            "name": name,
            "size": held,
            "kind": ", ".join(filter(None, (form(model["format"], language), model["architecture"]))),
            "type": words(f"hub.kind.{model['kind']}") if model["kind"] else "",
            "state": from_wire(problem).message(language) if problem else state,
        },
        actions=[
            _about(name, language),
            *switch,
            Action(name="verify", label=words("hub.panel.verify"), args={"name": name}),
            Action(
                name="remove",
                label=words("hub.panel.remove"),
                style="danger",
                confirm=confirm,
                args={"name": name},
            ),
        ],
    )


def about_model(known: dict[str, Any], language: str) -> TableBlock:
    """What `about.about` found."""
    words = translator(language)
    return TableBlock(
        id=ABOUT,
        title=known["name"],
        columns=[
            Column(key="what", label=words("hub.panel.property")),
            Column(key="value", label=words("hub.panel.value")),
        ],
        rows=[
            *(
                Row(id=key, cells={"what": what, "value": value})
                for key, what, value in facts(known, language)
            ),
            Row(
                id="close",
                cells={},
                actions=[
                    *offers.quantisations(known, language),
                    Action(name="close", label=words("hub.panel.forget")),
                ],
            ),
        ],
    )


def here(models: list[dict[str, Any]], rows: Sequence[Mapping[str, Any]], language: str) -> TableBlock:
    """The models of `listing.described`, of which those in `rows` are in memory or wait for that.

    Each says besides whether it is a ``default`` model, or ``choosable`` as one (see `defaults`).
    """
    words = translator(language)
    known = {row["name"]: row for row in rows}
    return TableBlock(
        id=HERE,
        title=words("hub.panel.here"),
        empty=words("hub.none"),
        columns=[
            Column(key="name", label=words("hub.panel.name")),
            Column(key="size", label=words("hub.panel.on_disk"), align="end"),
            Column(key="type", label=words("hub.fact.kind")),
            Column(key="kind", label=words("hub.fact.format")),
            Column(key="state", label=words("hub.panel.state")),
        ],
        rows=[_model(model, known.get(model["name"]), language) for model in models],
    )
