"""The blocks of the panel ``remote``."""

from __future__ import annotations

from typing import Any

from ide_agent.errors import from_wire
from ide_agent.features.remote.words import cost, model, moment, outcome, price, tokens
from ide_agent.locale import translate
from ide_agent.panels.blocks import (
    Action,
    ActionsBlock,
    Choice,
    CodeBlock,
    Column,
    FormBlock,
    FormField,
    Row,
    TableBlock,
    TextBlock,
)
from ide_agent.paths import config_file

USAGE = "usage"
KEY = "key"
EDIT = "edit"
EXAMPLE = "example"
_EXAMPLE = """\
[remote.endpoints.openrouter]
url = "https://openrouter.ai/api/v1"
"""


def about(enabled: bool, language: str) -> TextBlock:
    """Whether remote is on, in plain words."""
    words = translate("remote.panel.on" if enabled else "remote.panel.off", language)
    return TextBlock(id="about", markdown=words, level="warning" if enabled else "info")


def switch(enabled: bool, redact: bool, language: str) -> ActionsBlock:
    """The switch; it says what will leave before it is switched on."""
    if enabled:
        action = Action(name="off", label=translate("remote.panel.switch_off", language), style="primary")
    else:
        leaves = translate("remote.will_leave" if redact else "remote.will_leave_unredacted", language)
        action = Action(
            name="on",
            label=translate("remote.panel.switch_on", language),
            style="primary",
            confirm=f"{leaves} {translate('remote.sure', language)}",
        )
    return ActionsBlock(id="switch", actions=[action])


def endpoints(found: list[dict[str, Any]], language: str) -> TableBlock:
    """The endpoints and how they stand."""
    return TableBlock(
        id="endpoints",
        title=translate("remote.panel.endpoints", language),
        empty=translate("remote.panel.none", language, file=config_file()),
        columns=_columns(language, "name", "address", "where", "key", "models", "state", end=("models",)),
        rows=[_endpoint(each, language) for each in found],
    )


def example() -> CodeBlock:
    """What to write where there is no endpoint yet."""
    return CodeBlock(id=EXAMPLE, text=_EXAMPLE, language="toml")


def edit(language: str) -> ActionsBlock:
    """The way to the file that they stand in."""
    label = translate("remote.panel.edit", language, file=config_file().name)
    return ActionsBlock(id=EDIT, actions=[Action(name="edit", label=label)])


def _endpoint(found: dict[str, Any], language: str) -> Row:
    args = {"name": found["name"]}
    actions = [Action(name="test", label=translate("remote.panel.test", language), args=args)]
    if found["key"]:
        sure = translate("remote.panel.forget_it", language, name=found["name"])
        label = translate("remote.panel.forget", language)
        actions.append(Action(name="forget", label=label, args=args, style="danger", confirm=sure))
    cells = {
        "name": found["name"],
        "address": found["url"],
        "where": translate(f"remote.{found['place']}", language),
        "key": translate(f"remote.key_in.{found['key'] or 'none'}", language),
        "models": str(len(found["models"])) if found["models"] else "",
        "state": _state(found, language),
    }
    return Row(id=found["name"], cells=cells, actions=actions)


def _state(found: dict[str, Any], language: str) -> str:
    """What keeps it from answering, or whether it ever has since the host began."""
    if (problem := found.get("problem")) is None:
        return translate("remote.panel.ready" if found.get("answered") else "remote.panel.untried", language)
    if problem["code"] == "error.remote.off":  # which names a command; here is a button
        return translate("remote.panel.switched_off", language)
    return from_wire(problem).message(language)


def key_form(found: list[dict[str, Any]], language: str) -> FormBlock:
    """Takes the key of an endpoint."""
    choices = [Choice(value=each["name"], label=each["name"]) for each in found]
    return FormBlock(
        id=KEY,
        title=translate("remote.panel.key", language),
        fields=[
            FormField(
                name="name",
                label=translate("remote.panel.name", language),
                kind="choice",
                choices=choices,
                value=choices[0].value,
            ),
            FormField(
                name="key",
                label=translate("remote.panel.key", language),
                kind="secret",
                hint=translate("remote.panel.key_hint", language),
                required=True,
            ),
        ],
        submit=Action(name="key", label=translate("remote.panel.store", language), style="primary"),
    )


def used(usage: dict[str, Any], language: str) -> TableBlock:
    """What was used today."""
    rows = [
        Row(
            id=f"{each['endpoint']}/{each['model']}",
            cells={**_amounts(each, language), "model": model(each, language)},
        )
        for each in usage["models"]
    ]
    if rows:
        total = translate("remote.total", language)
        rows.append(Row(id="*", cells={**_amounts(usage["total"], language), "model": total}))
    names = ("model", "requests", "unsent", "tokens_in", "tokens_out", "secrets", "cost")
    return TableBlock(
        id=USAGE,
        title=translate("remote.panel.today", language),
        empty=translate("remote.panel.unused", language),
        columns=_columns(language, *names, end=names[1:]),
        rows=rows,
    )


def _amounts(of: dict[str, Any], language: str) -> dict[str, str]:
    counts = {name: str(of[name]) for name in ("requests", "unsent", "tokens_in", "tokens_out", "secrets")}
    return {**counts, "cost": cost(of, language)}


def log(entries: list[dict[str, Any]], language: str) -> TableBlock:
    """What was sent, newest first."""
    names = ("time", "host", "model", "task", "tokens", "bytes", "secrets", "cost", "outcome")
    return TableBlock(
        id="log",
        title=translate("remote.panel.log", language),
        empty=translate("remote.nothing_left", language),
        columns=_columns(language, *names, end=("tokens", "bytes", "secrets", "cost")),
        rows=[
            Row(
                id=str(each["id"]),
                cells={
                    "time": moment(each),
                    "host": each["host"],
                    "model": model(each, language),
                    "task": each["path"],
                    "tokens": tokens(each),
                    "bytes": str(each["bytes_out"]),
                    "secrets": str(each["secrets"]),
                    "cost": price(each, language),
                    "outcome": outcome(each, language),
                },
            )
            for each in entries
        ],
    )


def _columns(language: str, *names: str, end: tuple[str, ...] = ()) -> list[Column]:
    return [
        Column(
            key=name,
            label=translate(f"remote.panel.{name}", language),
            align="end" if name in end else "start",
        )
        for name in names
    ]
