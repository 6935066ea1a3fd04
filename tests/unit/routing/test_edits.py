"""Changes that leave the rest of the text as it is."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.errors import RoutesError
from ide_agent.features.routing.edits import added, moved, removed, switched
from ide_agent.inference.routing.reading import read

TEXT = """\
# my rules
version: 1

rules:
  # about a
  - name: a   # the a
    model: m1
    when:
      task: chat   # only chat

  # about b
  # more about b
  - name: 'b'
    enabled: false # off
    model: "m2"
    when:
      message: |
        # no comment
        x

  - {name: c, model: m3}
# the end
workspaces: []
"""
A, B, C = (
    TEXT[TEXT.index("  # about a") : TEXT.index("\n  # about b")],
    TEXT[TEXT.index("  # about b") : TEXT.index("\n  - {name")],
    "  - {name: c, model: m3}\n",
)
FLOW = "rules: [{name: a, model: m}, {name: b, model: m}]  # two\n"


def names(text: str) -> list[str]:
    routes = read(text).routes
    assert routes is not None
    return [rule.name if rule.enabled else f"-{rule.name}" for rule in routes.rules]


@pytest.mark.parametrize(
    ("name", "by", "order"),
    [
        ("a", 1, (B, A, C)),
        ("b", -1, (B, A, C)),
        ("c", -2, (C, A, B)),
        ("a", 9, (B, C, A)),
        ("a", -1, (A, B, C)),
        ("c", 1, (A, B, C)),
    ],
)
def test_rules_move_with_their_comments(name: str, by: int, order: tuple[str, str, str]) -> None:
    head, tail = TEXT[: TEXT.index(A)], TEXT[TEXT.index("# the end") :]
    assert moved(TEXT, name, by) == head + "\n".join(order) + tail


def test_a_rule_is_switched_in_place() -> None:
    assert switched(TEXT, "b", True) == TEXT.replace("enabled: false # off", "enabled: true # off")
    line = "  - name: a   # the a\n"
    assert switched(TEXT, "a", False) == TEXT.replace(line, f"{line}    enabled: false\n")
    assert switched(TEXT, "c", False) == TEXT.replace("{name: c", "{enabled: false, name: c")
    assert names(switched("rules:\n  - name: a\n    model: m\n    enabled:\n", "a", False)) == ["-a"]


def test_a_removed_rule_takes_its_comment_along() -> None:
    assert removed(TEXT, "b") == TEXT.replace(f"{B}\n", "")
    assert removed(TEXT, "a") == TEXT.replace(f"{A}\n", "")
    assert removed(TEXT, "c") == TEXT.replace(C, "")
    assert names(removed("rules:\n  - name: a\n    model: m", "a")) == []


def test_a_new_rule_comes_last_and_looks_like_the_others() -> None:
    rule = {
        "name": "d: 1",
        "when": {"task": "chat", "message": "(?i)x # y"},
        "model": "m",
        "fallbacks": ["a", "b"],
    }
    changed = added(TEXT, rule)
    assert changed.startswith(TEXT[: TEXT.index("# the end")]) and changed.endswith(
        "# the end\nworkspaces: []\n"
    )
    assert names(changed) == ["a", "-b", "c", "d: 1"]
    block = changed[changed.index(C) + len(C) : changed.index("# the end")]
    assert block.startswith("\n  - name: 'd: 1'\n    when:\n      task: chat\n")


@pytest.mark.parametrize(
    "text",
    ["", "# mine\n", "version: 1\n", "rules:\n", "rules: []  # mine\n", "rules:\n# mine\n", "version: 1"],
)
def test_the_first_rule(text: str) -> None:
    changed = added(text, {"name": "n", "model": "m"})
    assert names(changed) == ["n"]
    assert ("# mine" in changed) == ("# mine" in text)
    assert ("version: 1" in changed) == ("version: 1" in text)


def test_a_list_in_brackets_keeps_its_comments_too() -> None:
    for changed, expected in (
        (moved(FLOW, "a", 1), ["b", "a"]),
        (switched(FLOW, "b", False), ["a", "-b"]),
        (removed(FLOW, "a"), ["b"]),
        (added(FLOW, {"name": "c", "model": "m"}), ["a", "b", "c"]),
    ):
        assert names(changed) == expected
        assert "# two" in changed


def test_line_ends_of_windows_stay() -> None:
    text = TEXT.replace("\n", "\r\n")
    for changed in (
        moved(text, "a", 1),
        switched(text, "a", False),
        added(text, {"name": "d", "model": "m"}),
    ):
        assert not re.search("(?<!\r)\n", changed)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: moved(text, "zzz", 1),
        lambda text: switched(text, "zzz", True),
        lambda text: removed(text, "zzz"),
        lambda text: added(text, {"name": "a", "model": "m"}),
        lambda text: added(text, {"name": "", "model": "m"}),
        lambda text: added(text, {"name": "x", "model": "m", "when": {"message": "("}}),
        lambda text: removed(text + "]", "a"),
    ],
)
def test_what_cannot_be_done_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(RoutesError):
        change(TEXT)


NAMES = ("a", "b", "c", "d")
COMMENT = st.sampled_from(["", "  # about it\n", "# left\n", "\n", "\n\n  # gap\n", "      # deep\n"])
STYLES = [
    "  - name: {}\n    model: m\n",
    "  - model: m  # why\n    name: {}\n    enabled: true\n",
    "  - {{name: {}, model: m}}\n",
    "  -\n    name: {}\n    model: m\n",
    "  - name: {}\n    model: m\n    when:\n      message: |\n        # x\n\n        y\n",
    "  - name: {}\n    when: {{message: 'x\n      y'}}\n    model: m\n",
    "  - name: {}\n\n    # within\n    model: m\n",
]
TEXTS = st.lists(st.tuples(COMMENT, st.sampled_from(STYLES)), min_size=1, max_size=4).map(
    lambda parts: (
        "rules:\n"
        + "".join(before + style.format(name) for name, (before, style) in zip(NAMES, parts, strict=False))
    )
)


@given(TEXTS, st.sampled_from(["", "# end\n", "\nversion: 1\n"]), st.integers(-3, 3), st.data())
def test_any_way_of_writing_can_be_changed(text: str, end: str, by: int, data: st.DataObject) -> None:
    text += end
    before = names(text)
    name = data.draw(st.sampled_from(before))
    at = before.index(name)
    others = [each for each in before if each != name]
    to = max(0, min(len(before) - 1, at + by))
    after = moved(text, name, by)
    assert names(after) == [*others[:to], name, *others[to:]]
    assert sorted(after.split()) == sorted(text.split())
    assert names(switched(text, name, False)) == [f"-{each}" if each == name else each for each in before]
    assert names(removed(text, name)) == others
    more = added(text, {"name": "z", "model": "m"})
    assert names(more) == [*before, "z"]
    assert more.count("#") == text.count("#")


INSIDE = """\
rules:
  - name: a
    model: m
    # inside a
      # deeper in a

  # about b
  - name: b
    model: m
    # inside b
  # behind all
"""


def test_a_comment_inside_a_rule_goes_with_it() -> None:
    swapped = moved(INSIDE, "b", -1)
    assert (
        swapped
        == """\
rules:
  # about b
  - name: b
    model: m
    # inside b

  - name: a
    model: m
    # inside a
      # deeper in a
  # behind all
"""
    )
    assert "inside a" not in removed(INSIDE, "a")
    assert removed(INSIDE, "b").endswith("      # deeper in a\n\n  # behind all\n")
    new = added(INSIDE, {"name": "c", "model": "m"})
    assert new.index("# inside b") < new.index("name: c") < new.index("# behind all")
