"""What the hub's panel asks, and its button for the whole folder."""

from __future__ import annotations

from collections.abc import Sequence

from ide_agent.features.hub.filters import SOURCES
from ide_agent.features.hub.finding import PLACES
from ide_agent.features.hub.sources.pages import host
from ide_agent.features.hub.words import size
from ide_agent.inference.kinds import KINDS
from ide_agent.locale import translate, translator
from ide_agent.panels.blocks import Action, ActionsBlock, Choice, FormBlock, FormField, TextBlock, plain

SEARCH, FILTER, ADD, ASK, DISK, TIDY = "search", "filter", "add", "ask", "disk", "tidy"
LOGIN = "login"


def search_form(language: str) -> FormBlock:
    """The question what to search for."""
    words = translator(language)
    field = FormField(name="words", label=words("hub.panel.words"), hint=words("hub.panel.words_hint"))
    submit = Action(name="search", label=words("hub.panel.search"), style="primary")
    places = [Choice(value=place, label=words(f"hub.place.{place}")) for place in PLACES]
    choices = [Choice(value="", label=words("hub.panel.all")), *places]
    source = FormField(
        name="source",
        label=words("hub.fact.source"),
        kind="choice",
        choices=choices,
        hint=words("hub.panel.where_words_go", host=host()),
    )
    fields = [field, source, _type_field(language)]
    return FormBlock(id=SEARCH, title=words("hub.panel.search_title"), fields=fields, submit=submit)


def filter_form(language: str) -> FormBlock:
    """The question which models to show."""
    words = translator(language)
    sources = [Choice(value=source, label=words(f"hub.source.{source}")) for source in SOURCES]
    fields = [
        FormField(name="words", label=words("hub.panel.name")),
        FormField(
            name="source",
            label=words("hub.fact.source"),
            kind="choice",
            choices=[Choice(value="", label=words("hub.panel.all")), *sources],
        ),
        _type_field(language),
    ]
    submit = Action(name="filter", label=words("hub.panel.filter"))
    return FormBlock(id=FILTER, title=words("hub.panel.filter_title"), fields=fields, submit=submit)


def add_form(address: str, language: str) -> FormBlock:
    """The question what to call the model at `address`, and what to check it by."""
    words = translator(language)
    fields = [
        FormField(name="name", label=words("hub.panel.called"), hint=words("hub.panel.called_hint")),
        FormField(name="sha256", label="SHA-256", hint=words("hub.panel.optional")),
    ]
    submit = Action(name="add", label=words("hub.panel.add"), style="primary", args={"address": address})
    return FormBlock(id=ADD, title=words("hub.panel.other", address=address), fields=fields, submit=submit)


def ask_form(models: Sequence[str], first: str, language: str) -> FormBlock:
    """The question to one of `models`, to `first` unless somebody chooses another."""
    words = translator(language)
    fields = [
        FormField(
            name="question",
            label=words("hub.ask.question"),
            hint=words("hub.ask.hint"),
            required=True,
        ),
        FormField(
            name="model",
            label=words("hub.panel.model"),
            kind="choice",
            value=first,
            choices=[Choice(value=name, label=name) for name in models],
        ),
    ]
    submit = Action(name="ask", label=words("hub.ask.ask"), style="primary")
    return FormBlock(id=ASK, title=words("hub.ask.title"), fields=fields, submit=submit)


def disk(held: int, free: int, language: str) -> TextBlock:
    """What all models take, and what is left, in bytes."""
    told = translate("hub.panel.disk", language, held=size(held, language), free=size(free, language))
    return TextBlock(id=DISK, markdown=plain(told))


def login_form(language: str) -> FormBlock:
    """The question for a token of the hub."""
    words = translator(language)
    field = FormField(
        name="token",
        label=words("hub.login.token"),
        kind="secret",
        hint=words("hub.login.hint", host=host()),
        required=True,
    )
    submit = Action(name="login", label=words("hub.login.store"), style="primary")
    return FormBlock(id=LOGIN, title=words("hub.login.title", host=host()), fields=[field], submit=submit)


def tidy(language: str, *, signed_in: bool = False) -> ActionsBlock:
    """The clean-up, and forgetting the token of the hub where there is one."""
    words = translator(language)
    actions = [Action(name="gc", label=words("hub.panel.gc"), confirm=words("hub.panel.gc_it"))]
    if signed_in:
        label, sure = words("hub.login.forget", host=host()), words("hub.login.forget_it", host=host())
        actions.append(Action(name="logout", label=label, style="danger", confirm=sure))
    return ActionsBlock(id=TIDY, actions=actions)


def _type_field(language: str) -> FormField:
    words = translator(language)
    kinds = [Choice(value=kind, label=words(f"hub.kind.{kind}")) for kind in KINDS]
    choices = [Choice(value="", label=words("hub.panel.all")), *kinds]
    return FormField(name="type", label=words("hub.fact.kind"), kind="choice", choices=choices)
