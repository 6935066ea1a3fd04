"""The pieces that declarations are put together from."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ide_agent.features.completion.imports import parser
from ide_agent.features.completion.outline import Outline, cut, first_line, flat


def test_an_alias_leads_to_its_declaration() -> None:
    outline = Outline(declarations={"f": "def f(): ..."}, exports={"g": "f", "lost": "gone"})
    assert outline.get("f") == outline.get("g") == "def f(): ..."
    assert outline.get("lost") is None
    assert outline.get("h") is None


def test_overloads_are_collected_and_repetitions_are_not() -> None:
    outline = Outline()
    outline.add("f", "def f(a: int): ...")
    outline.add("f", "def f(a: str): ...")
    outline.add("f", "def f(a: int): ...")
    assert outline.get("f") == "def f(a: int): ...\ndef f(a: str): ..."


def test_cut_keeps_whole_lines() -> None:
    text = "class A:\n    one: int\n    two: int"
    assert cut(text, 100) == text
    assert cut(text, len(text) - 1) == "class A:\n    one: int\n    ..."


def test_cut_ends_a_single_long_line_with_dots() -> None:
    assert cut("def f(" + "a, " * 50 + ") ...", 40).endswith(" ...")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text("ab\n ", max_size=200), chars=st.integers(20, 100))
def test_cut_keeps_to_the_limit(text: str, chars: int) -> None:
    assert len(cut(text, chars)) <= chars


def test_first_line() -> None:
    assert first_line("\n   \n  Adds things.  \n More.") == "Adds things."
    assert first_line("\n * Adds.\n") == "Adds."
    assert first_line(" \n***\n") == ""
    assert len(first_line("word " * 100)) <= 120


def test_flat_joins_lines_and_drops_comments() -> None:
    source = b'def f(\n    a: int,  # why\n    b: str = "x  y",\n) -> None: pass'
    node = parser("python").parse(source).root_node.named_children[0]
    assert flat(node, node.child_by_field_name("body")) == 'def f(a: int, b: str = "x y") -> None:'


def test_flat_keeps_a_single_line_as_it_is() -> None:
    source = 'def ğ(a = "x  # y"): pass'.encode()
    node = parser("python").parse(source).root_node.named_children[0]
    assert flat(node, node.child_by_field_name("body")) == 'def ğ(a = "x  # y"):'
