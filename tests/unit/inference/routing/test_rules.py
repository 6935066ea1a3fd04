"""The JSON Schema of the rules."""

from __future__ import annotations

from typing import Any

from ide_agent.inference.routing.rules import TASKS, schema
from ide_agent.locale import LANGUAGES, catalogue


def keys(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = list(node.get("properties", {}))
        return own + [key for value in node.values() for key in keys(value)]
    return [key for each in node for key in keys(each)] if isinstance(node, list) else []


def described(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [value["description"] for value in node.get("properties", {}).values()]
        return own + [text for value in node.values() for text in described(value)]
    return [text for each in node for text in described(each)] if isinstance(node, list) else []


def test_every_key_is_described_in_every_language() -> None:
    for language in LANGUAGES:
        found = schema(language)
        texts = described(found)
        assert len(texts) == len(keys(found)) == 21
        assert all(text in catalogue(language).values() for text in texts)


def test_tasks_are_listed() -> None:
    assert str(list(TASKS)) in str(schema("en"))
