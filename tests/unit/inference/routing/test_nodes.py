"""YAML with places, whatever the text holds."""

from __future__ import annotations

import sys
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ide_agent.inference.routing import nodes
from ide_agent.inference.routing.nodes import Node, Unreadable, tree
from ide_agent.inference.routing.problems import Range

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


def refused(text: str) -> tuple[str, tuple[int, ...]]:
    with pytest.raises(Unreadable) as caught:
        tree(text)
    return caught.value.problem.key.removeprefix("error.routes."), tuple(caught.value.problem.at[:2])


def test_values_and_places() -> None:
    root = tree("# rules\nversion: 1\nrules:\n  - name: 'a b'\n    when: {task: [chat, review]}\n")
    assert root.plain() == {"version": 1, "rules": [{"name": "a b", "when": {"task": ["chat", "review"]}}]}
    assert root.find(("rules", 0, "name")) == Range(3, 10, 3, 15)
    assert root.find(("rules", 0, "when", "task", 1)) == Range(4, 24, 4, 30)
    assert root.find(("rules", 0, "when"), key=True) == Range(4, 4, 4, 8)
    assert root.find(("rules", 0, "nowhere", 3)).line == 3
    assert root.find(("version", 7)) == Range(1, 9, 1, 10)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("null", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("9" * 5000, "9" * 5000),
        ("2026-01-01", "2026-01-01"),
        ("|\n  x\n  y", "x\ny"),
        ("?x", "?x"),
        ('"ş\\n"', "ş\n"),
    ],
)
def test_scalars_by_the_core_schema(text: str, value: object) -> None:
    assert tree(f"a: {text}").value["a"].value == value


def test_a_question_mark_in_brackets_is_a_letter_unless_a_space_follows() -> None:
    root = tree("{a: [?.py, ?, b?], ?c: ?d}")
    assert root.plain() == {"a": ["?.py", {"": None}, "b?"], "?c": "?d"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~"])
def test_nothing_is_no_rules(text: str) -> None:
    assert tree(text).plain() == {}


@pytest.mark.parametrize(
    ("text", "key", "at"),
    [
        ("a: b: c", "colon", (0, 4)),
        ("a: 1\n\tb: 2", "tab", (1, 0)),
        ("a: 'x\n", "unclosed", (1, 0)),
        ("a: [1, 2\nb: 3", "unclosed", (1, 1)),
        ("a:\n  - 1\n - 2", "indentation", (2, 1)),
        ("a: 1\nb: @x", "character", (1, 3)),
        ("a: 1\nb: \0", "character", (1, 3)),
        ("a: *x", "alias", (0, 3)),
        ("a: &x 1", "alias", (0, 3)),
        ("a: !!python/object:os.system x", "tag", (0, 3)),
        ("%YAML 1.1\n---\na: 1", "directive", (1, 0)),
        ("a: 1\n---\nb: 2", "document", (1, 0)),
        ("a: 1\nb: 2\na: 3", "twice", (2, 0)),
        ("? [a]\n: 1", "key", (0, 2)),
        ("a: " + "[" * 100, "deep", (0, 15)),
        (BOMB, "alias", (0, 3)),
        ("x" * (nodes.MOST_CHARACTERS + 1), "large", (0, 0)),
    ],
)
def test_what_is_refused_and_where(text: str, key: str, at: tuple[int, int]) -> None:
    assert refused(text) == (key, at)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "değer yok"),
        ('a: "\\d"', "ters bölü"),
        ('a: "\\xzz"', "ters bölü"),
        ("a: - b", "liste öğesi"),
        ("a: &", "ad yok"),
        ("%\n---\na: 1", "ad yok"),
    ],
)
def test_a_reason_has_words_in_each_language(text: str, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        tree(text)
    assert caught.value.problem.key == "error.routes.syntax"
    assert words in caught.value.problem.message("tr")


def test_a_reason_that_is_not_known_here_is_passed_on() -> None:
    with pytest.raises(Unreadable) as caught:
        tree("a: !<x")
    assert caught.value.problem.key == "error.routes.syntax"
    assert "expected '>'" in caught.value.problem.message("tr")


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "{" * 200_000, "- " * 100_000, "a: " * 80_000, "? " * 100_000, "&a " * 50_000, BOMB * 50],
    ids=["brackets", "braces", "dashes", "colons", "questions", "anchors", "bomb"],
)
def test_a_hostile_text_takes_no_memory(text: str) -> None:
    tracemalloc.start()
    try:
        refused(text)
        assert tracemalloc.get_traced_memory()[1] < 60 << 20
    finally:
        tracemalloc.stop()


def plain_or_not(text: str) -> Node | None:
    try:
        return tree(text)
    except Unreadable as failure:
        assert failure.problem.at.line <= text.count("\n") + text.count("\r") + text.count(
            "\x85"
        ) + text.count("\u2028") + text.count("\u2029")
        assert failure.problem.message("tr") and failure.problem.message("en")
        return None


@given(st.text())
@example("\ud800")
@example("? ")
@example("!<x> y")
@example("a: !<tag:yaml.org,2002:int> x")
def test_any_text_is_read_or_refused(text: str) -> None:
    plain_or_not(text)


@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%@`#\n \t\\0.~<=", max_size=60))
def test_any_text_of_yamls_own_signs_is_read_or_refused(text: str) -> None:
    plain_or_not(text)


SIGNS = "[]{}|?'\"\\~x1-!*%@`#\n\r\t\x85\u2028\ufeff😀ş"
PIECES = [
    *SIGNS,
    *("a: ", "b:", "é: ", "- ", "\n  ", "\n    ", "\n\n", "\r\n", ", ", ": ", "'x'", '"y"', "# c", ">-"),
]
PIECES += ["['x':", "|+\n", "y z", "? ", "...", "---", "\\u015f", "true", "http://x", "a:b", "&a", "<<: "]


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join), st.sampled_from(["", "\n"]))
@example("a:", "\n")
@example("a: |\n  x", "\n")
@example("? a\n: b", "\n")
@example("0\t", "\n")
@example("---\n...\n...", "\n")
@example("|\n# c", "\n")
@example('a: ["x":1]', "\n")
@example('a: ["x" :1]', "\n")
@example("a: ['z':w, b]", "\n")
@example('a: ["x"\n :1]', "\n")
@example('a: {"x\\"y":1}', "\n")
@example("a: {'x''y':1}", "\n")
@example("a: {'x\n y':1}", "\n")
@example("{?'b': 1}", "\n")
@example("{?x: 1}", "\n")
def test_the_quick_reader_finds_what_the_thorough_one_does(text: str, end: str) -> None:
    found = nodes._quick(text + end)
    if found is not None:
        assert found == nodes._thorough(text + end)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "rules:\n  - name: 'a|b?c' # d\n    when: {path: [x/**, '?.py'], message: \"\\u015f\"}\n",
        "a: 1\r\nb: 2\r\n",
        "message: '\":\"x'\n",
        'message: (?i)key":\\s*x\n',
        "path: [\"a\", 'b?']\nmessage: is it'so':that\n",
    ],
)
def test_what_people_write_is_read_quickly(text: str) -> None:
    assert nodes._quick(text) == nodes._thorough(text)


@pytest.mark.parametrize("module", ["yaml", "yaml.cyaml"])
def test_without_libyaml_the_thorough_reader_reads_all(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert nodes._quick("a: 1\n") is None
    assert tree("a: 1\n").plain() == {"a": 1}


KEYS = st.text(alphabet="abcş_", min_size=1, max_size=5)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "), max_size=20)
DOCUMENTS = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=4), st.booleans())
@example({"_": ["?0"]}, True)
def test_what_was_written_is_read(value: dict[str, object], flow: bool) -> None:
    from io import StringIO

    writer = YAML()
    writer.default_flow_style = flow
    out = StringIO()
    writer.dump(value, out)
    found = plain_or_not(out.getvalue())
    if found is not None:  # too deep
        assert found.plain() == value
