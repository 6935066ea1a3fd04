"""What the panel of rules shows, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ide_agent.features.routing.assist import in_order
from ide_agent.features.routing.words import CELLS, cells
from ide_agent.inference.routing.problems import Problem
from ide_agent.inference.routing.rules import TASKS, Rule
from ide_agent.locale import translate, translator
from ide_agent.panels.blocks import (
    Action,
    ActionsBlock,
    Choice,
    Column,
    FormBlock,
    FormField,
    Row,
    TableBlock,
    TextBlock,
    plain,
)

ABOUT, EDIT, PROBLEMS, MODELS, RULES, TEST, VERDICT, ADD = (
    "about",
    "edit",
    "problems",
    "models",
    "rules",
    "test",
    "verdict",
    "add",
)
_HINTED = 5  # names of models in a hint
_ECHOED = 80  # characters of a message that was tested
_ALWAYS = ("name", "when", "model")
"""Columns of the table that are there though they be empty; each one less leaves more room to the others."""


def about(file: str, language: str) -> TextBlock:
    """What this is, and where the file is."""
    return TextBlock(id=ABOUT, markdown=translate("routes.panel.about", language, file=plain(file)))


def edit(file: str, language: str) -> ActionsBlock:
    """The way to the file itself."""
    label = translate("routes.panel.edit", language, file=file)
    return ActionsBlock(id=EDIT, actions=[Action(name="edit", label=label)])


def problems(found: Iterable[Problem], broken: bool, language: str) -> TextBlock:
    """What is wrong with the file."""
    words = translator(language)
    lines = [
        f"- {plain(words('routes.panel.line', line=each.at.line + 1))} {plain(each.message(language))}"
        for each in found
    ]
    if broken:
        lines = [words("routes.panel.broken"), "", *lines]
    return TextBlock(id=PROBLEMS, markdown="\n".join(lines), level="error" if broken else "warning")


def models(language: str) -> ActionsBlock:
    """The way to the models that rules name and that are not here."""
    label = translate("routes.panel.models", language)
    return ActionsBlock(id=MODELS, actions=[Action(name="models", label=label)])


def table(rules: tuple[Rule, ...], stamp: str, editable: bool, language: str) -> TableBlock:
    """The rules in their order, with what can be done about each unless the file is broken."""
    words = translator(language)
    last = len(rules) - 1
    texts = [cells(rule, language) for rule in rules]
    filled = {name for each in texts for name in CELLS if each[name]}
    if all(rule.enabled for rule in rules):
        filled.discard("state")
    shown = [name for name in CELLS if name in _ALWAYS or name in filled]
    return TableBlock(
        id=RULES,
        title=words("routes.panel.rules"),
        empty=words("routes.panel.none"),
        columns=[Column(key=name, label=words(f"routes.column.{name}")) for name in shown],
        rows=[
            Row(
                id=rule.name,
                cells={name: texts[at][name] for name in shown},
                actions=_actions(rule, at, last, stamp, words) if editable else [],
            )
            for at, rule in enumerate(rules)
        ],
    )


def _actions(rule: Rule, at: int, last: int, stamp: str, words: Callable[..., str]) -> list[Action]:
    args = {"name": rule.name, "stamp": stamp}
    switch = "disable" if rule.enabled else "enable"
    return [
        Action(name="up", label=words("routes.panel.up"), args=args, enabled=at > 0),
        Action(name="down", label=words("routes.panel.down"), args=args, enabled=at < last),
        Action(name=switch, label=words(f"routes.panel.{switch}"), args=args),
        Action(
            name="remove",
            label=words("routes.panel.remove"),
            style="danger",
            confirm=words("routes.panel.remove_it", name=rule.name),
            args=args,
        ),
    ]


def _task(words: Callable[..., str], first: str) -> FormField:
    choices = [Choice(value="", label=words("routes.panel.any"))] if not first else []
    choices += [Choice(value=task, label=words(f"routes.task_name.{task}")) for task in TASKS]
    return FormField(
        name="task", label=words("routes.panel.task"), kind="choice", value=first, choices=choices
    )


def test_form(language: str) -> FormBlock:
    """The question what to test."""
    words = translator(language)
    return FormBlock(
        id=TEST,
        title=words("routes.panel.test"),
        fields=[
            FormField(name="message", label=words("routes.panel.message"), kind="lines"),
            _task(words, "chat"),
            FormField(name="language", label=words("routes.panel.language"), hint="python"),
            FormField(name="path", label=words("routes.panel.path"), hint="src/app.py"),
            FormField(name="private", label=words("routes.panel.private"), kind="check", value=False),
        ],
        submit=Action(name="test", label=words("routes.panel.test_it"), style="primary"),
    )


def verdict(sentence: str, message: str) -> TextBlock:
    """Where `message` would go."""
    words = " ".join(message.split())
    shown = words if len(words) <= _ECHOED else f"{words[:_ECHOED]}…"
    return TextBlock(
        id=VERDICT, markdown=f"**{plain(shown)}** · {plain(sentence)}" if shown else plain(sentence)
    )


def add_form(models: Iterable[str], stamp: str, language: str) -> FormBlock:
    """The questions of a new rule; `models` are suggested."""
    words = translator(language)
    names = in_order(list(models))
    choices = [Choice(value=name, label=name) for name in names]
    hint = ", ".join(names[:_HINTED])
    several = words("routes.panel.several")
    return FormBlock(
        id=ADD,
        title=words("routes.panel.add"),
        fields=[
            FormField(name="name", label=words("routes.column.name"), required=True),
            FormField(
                name="model",
                label=words("routes.column.model"),
                choices=choices,
                hint=hint,
                required=True,
            ),
            FormField(
                name="fallbacks",
                label=words("routes.column.fallbacks"),
                choices=[*choices, Choice(value="default", label=words("routes.default"))],
                hint=several,
            ),
            _task(words, ""),
            FormField(name="language", label=words("routes.panel.language"), hint=several),
            FormField(name="path", label=words("routes.panel.path"), hint="src/**"),
            FormField(name="message", label=words("routes.panel.expression"), hint="(?i)refactor"),
            FormField(name="private", label=words("routes.panel.private"), kind="check", value=False),
            FormField(name="max_tokens", label=words("routes.panel.max_tokens"), kind="number"),
        ],
        submit=Action(name="add", label=words("routes.panel.add_it"), style="primary", args={"stamp": stamp}),
        clears=True,
    )
