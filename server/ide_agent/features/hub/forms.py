"""What the hub's panel asks, and its button for the whole folder."""

from __future__ import annotations

from ide_agent.features.hub.filters import SOURCES
from ide_agent.features.hub.finding import PLACES
from ide_agent.inference.kinds import KINDS
from ide_agent.locale import translator
from ide_agent.panels.blocks import Action, ActionsBlock, Choice, FormBlock, FormField

SEARCH, FILTER, ADD, TIDY = "search", "filter", "add", "tidy"


def search_form(language: str) -> FormBlock:
    """The question what to search for."""
    words = translator(language)
    field = FormField(
        name="words", label=words("hub.panel.words"), hint=words("hub.panel.words_hint"), required=True
    )
    submit = Action(name="search", label=words("hub.panel.search"), style="primary")
    places = [Choice(value=place, label=words(f"hub.place.{place}")) for place in PLACES]
    choices = [Choice(value="", label=words("hub.panel.all")), *places]
    source = FormField(name="source", label=words("hub.fact.source"), kind="choice", choices=choices)
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


def add_form(language: str) -> FormBlock:
    """The question for an address or a path."""
    words = translator(language)
    fields = [
        FormField(
            name="address",
            label=words("hub.panel.address"),
            hint="https://…/model.gguf",
            required=True,
        ),
        FormField(name="name", label=words("hub.panel.called"), hint=words("hub.panel.called_hint")),
        FormField(name="sha256", label="SHA-256", hint=words("hub.panel.optional")),
    ]
    submit = Action(name="add", label=words("hub.panel.add"), style="primary")
    return FormBlock(id=ADD, title=words("hub.panel.other"), fields=fields, submit=submit)


def tidy(language: str) -> ActionsBlock:
    """The clean-up."""
    words = translator(language)
    label, confirm = words("hub.panel.gc"), words("hub.panel.gc_it")
    return ActionsBlock(id=TIDY, actions=[Action(name="gc", label=label, confirm=confirm)])


def _type_field(language: str) -> FormField:
    words = translator(language)
    kinds = [Choice(value=kind, label=words(f"hub.kind.{kind}")) for kind in KINDS]
    choices = [Choice(value="", label=words("hub.panel.all")), *kinds]
    return FormField(name="type", label=words("hub.fact.kind"), kind="choice", choices=choices)
