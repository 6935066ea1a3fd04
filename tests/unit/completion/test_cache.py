"""The suggestion cache: what it finds, and what it must never serve."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ide_agent.features.completion.cache import LOOK_BACK, SUFFIX_LINES, Hit, SuggestionCache
from ide_agent.features.completion.cursor import CursorContext

URI = "file:///project/a.py"


def at(before: str, after: str = "", *, window: int | None = None, uri: str = URI) -> CursorContext:
    """The cursor between two texts; `window`: only so many lines of the first are in the prefix."""
    lines = before.split("\n")
    first = 0 if window is None else max(0, len(lines) - window)
    return CursorContext(
        uri, "a.py", "python", 1, "\n".join(lines[first:]), first, after, line=len(lines) - 1
    )


def asked(context: CursorContext, text: str, replace_after: int = 0) -> SuggestionCache:
    cache = SuggestionCache()
    cache.put(context, "c1", text, complete=True, replace_after=replace_after)
    return cache


def served(hit: Hit | None) -> tuple[str, int] | None:
    return None if hit is None else (hit.text, hit.replace_after)


def test_the_same_position_is_found() -> None:
    cache = asked(at("def f(n):\n    ", "\n"), "return n")
    assert cache.lookup(at("def f(n):\n    ", "\n")) == Hit("c1", "return n", 0, True, 0)


def test_typed_through_serves_the_rest_under_the_same_id() -> None:
    cache = asked(at("x = ", "\n"), "value")
    assert cache.lookup(at("x = va", "\n")) == Hit("c1", "lue", 0, True, 2)


def test_another_character_is_a_miss() -> None:
    cache = asked(at("x = ", "\n"), "value")
    assert cache.lookup(at("x = w", "\n")) is None


def test_typed_through_to_the_end_is_a_miss() -> None:
    cache = asked(at("x = ", "\n"), "value")
    assert cache.lookup(at("x = value", "\n")) is None


def test_backspace_gives_the_longer_rest_again() -> None:
    cache = asked(at("x = ", "\n"), "value")
    assert served(cache.lookup(at("x = valu", "\n"))) == ("e", 0)
    assert served(cache.lookup(at("x = v", "\n"))) == ("alue", 0)
    assert served(cache.lookup(at("x = ", "\n"))) == ("value", 0)


def test_deleting_what_stood_there_before_is_a_miss() -> None:
    cache = asked(at("x = ", "\n"), "value")
    assert cache.lookup(at("x =", "\n")) is None


def test_typed_through_over_several_lines() -> None:
    cache = asked(at("if a:", "\nend\n"), "\n    b()\n    c()")
    assert served(cache.lookup(at("if a:\n    b()\n    ", "\nend\n"))) == ("c()", 0)


def several() -> SuggestionCache:
    cache = asked(at("x = ", "\n"), "min(a)")
    cache.put(at("x = ", "\n"), "c2", "max(a)", complete=True, beside=True)
    cache.put(at("x = ", "\n"), "c3", "sum(a)", complete=True, beside=True)
    return cache


def ids(cache: SuggestionCache, *lines: str) -> list[str | None]:
    hits = [cache.lookup(at(line, "\n")) for line in lines]
    return [hit and hit.completion_id for hit in hits]


def test_of_several_for_a_position_the_first_wins_until_another_is_typed() -> None:
    assert ids(several(), "x = ", "x = m", "x = mi", "x = ma", "x = s") == ["c1", "c1", "c1", "c2", "c3"]


def test_of_several_for_a_position_the_one_that_shows_wins() -> None:
    cache = several()
    cache.prefer("c2")
    assert ids(cache, "x = ", "x = m", "x = mi", "x = s") == ["c2", "c2", "c1", "c3"]
    cache.prefer("c1")
    assert ids(cache, "x = ", "x = m", "x = ma") == ["c1", "c1", "c2"]
    cache.prefer("unknown")
    assert ids(cache, "x = ") == ["c1"]


def test_what_is_asked_anew_takes_the_place_of_all() -> None:
    cache = several()
    cache.put(at("x = ", "\n"), "c4", "all(a)", complete=True)
    assert ids(cache, "x = ", "x = m", "x = s") == ["c4", None, None]
    assert len(cache) == 1


def test_looks_back_a_bounded_number_of_characters() -> None:
    text = "a" * (LOOK_BACK + 50)
    cache = asked(at("x", "\n"), text)
    assert served(cache.lookup(at("x" + "a" * LOOK_BACK, "\n"))) == ("a" * 50, 0)
    assert cache.lookup(at("x" + "a" * (LOOK_BACK + 1), "\n")) is None


def test_case_19_a_changed_rest_of_the_line_is_a_miss() -> None:
    cache = asked(at("f(", ")\nnext\n"), "a, b")
    assert cache.lookup(at("f(", ", c)\nnext\n")) is None
    assert cache.lookup(at("f(a", ", c)\nnext\n")) is None


@pytest.mark.parametrize("line", range(SUFFIX_LINES))
def test_case_19_a_changed_following_line_is_a_miss(line: int) -> None:
    lines = [f"line {n}\n" for n in range(SUFFIX_LINES + 3)]
    cache = asked(at("x = ", "".join(lines)), "value")
    lines[line] = "other\n"
    assert cache.lookup(at("x = ", "".join(lines))) is None


def test_case_19_a_line_that_grew_at_the_end_of_the_document_is_a_miss() -> None:
    cache = asked(at("x = ", "\nend"), "value")
    assert cache.lookup(at("x = ", "\nending")) is None
    assert cache.lookup(at("x = ", "\nend\n")) is None
    assert cache.lookup(at("x = ", "\nen")) is None


def test_what_is_far_below_does_not_matter() -> None:
    near = "\n" * SUFFIX_LINES
    cache = asked(at("x = ", near + "old"), "value")
    assert served(cache.lookup(at("x = ", near + "new"))) == ("value", 0)


def test_case_20_found_after_the_window_scrolled() -> None:
    before = "".join(f"statement_number({n})\n" for n in range(30)) + "x = "
    cache = asked(at(before, "\n", window=20), "\n".join(["value"] * 4))
    for window in (20, 19, 18, 17, 25, 31):
        assert served(cache.lookup(at(before + "value\nva", "\n", window=window))) == ("lue\nvalue\nvalue", 0)


def test_case_20_a_change_inside_the_truncated_window_is_a_miss() -> None:
    lines = [f"statement_number({n})" for n in range(30)]
    cache = asked(at("\n".join([*lines, "x = "]), "\n", window=20), "value")
    lines[15] = "statement_number(99)"
    for window in (20, 18, 25):
        assert cache.lookup(at("\n".join([*lines, "x = "]), "\n", window=window)) is None


def test_case_20_equal_windows_of_different_documents_beginnings_are_told_apart() -> None:
    tail = "statement_number_with_a_long_name()\nx = "
    cache = asked(at(tail, "\n"), "value")
    assert cache.lookup(at("import os\n" + tail, "\n")) is None


def test_case_40_a_very_long_line_is_found_and_bounded() -> None:
    before = "x" * 1_000_000
    cache = asked(at(before, "\n"), "value")
    assert served(cache.lookup(at(before + "val", "\n"))) == ("ue", 0)


def test_an_auto_closed_bracket_is_replaced() -> None:
    cache = asked(at("foo", "\n"), "(a, b)")
    assert served(cache.lookup(at("foo(", ")\n"))) == ("a, b)", 1)
    assert served(cache.lookup(at("foo(a", ")\n"))) == (", b)", 1)
    assert cache.lookup(at("foo(", "))\n")) is None


def test_auto_closed_brackets_and_quotes_nest() -> None:
    cache = asked(at("x = ", "\n"), 'f(["a", "b"])')
    assert served(cache.lookup(at('x = f(["', '"])\n'))) == ('a", "b"])', 3)
    assert served(cache.lookup(at('x = f(["a"', "])\n"))) == (', "b"])', 2)


def test_a_closing_bracket_for_no_opening_one_is_a_miss() -> None:
    cache = asked(at("foo", "\n"), "(a, b)")
    assert cache.lookup(at("foo", ")\n")) is None
    assert cache.lookup(at("foo(", "]\n")) is None


def test_typing_over_the_bracket_that_the_suggestion_replaces() -> None:
    cache = asked(at("def f(", ")\n"), "a, b):\n    return a", replace_after=1)
    assert served(cache.lookup(at("def f(a, b", ")\n"))) == ("):\n    return a", 1)
    assert served(cache.lookup(at("def f(a, b)", "\n"))) == (":\n    return a", 0)


def test_a_deleted_bracket_that_the_suggestion_replaces_is_a_miss() -> None:
    cache = asked(at("def f(", ")\n"), "a, b):", replace_after=1)
    assert cache.lookup(at("def f(", "\n")) is None


def test_enter_between_auto_closed_brackets_leaves_the_closing_line_out() -> None:
    cache = asked(at("if (a) ", "\n"), "{\n  b();\n}")
    assert served(cache.lookup(at("if (a) {", "}\n"))) == ("\n  b();\n}", 1)
    assert served(cache.lookup(at("if (a) {\n  ", "\n}\n"))) == ("b();", 0)


def test_enter_between_brackets_of_a_suggestion_that_goes_on_behind_them_is_a_miss() -> None:
    cache = asked(at("if (a) ", "\n"), "{\n  b();\n}\nc();")
    assert cache.lookup(at("if (a) {\n  ", "\n}\n")) is None


def test_enter_between_brackets_while_the_stream_may_not_close_them_is_a_miss() -> None:
    cache = SuggestionCache()
    cache.put(at("if (a) ", "\n"), "c1", "{\n  b();")
    assert cache.lookup(at("if (a) {\n  ", "\n}\n")) is None


def test_a_stream_is_served_as_far_as_it_got() -> None:
    cache = SuggestionCache()
    here = at("x = ", "\n")
    cache.put(here, "c1")
    assert cache.lookup(here) == Hit("c1", "", 0, False, 0)
    cache.extend("c1", "val", False)
    assert cache.lookup(at("x = v", "\n")) == Hit("c1", "al", 0, False, 1)
    cache.extend("c1", "value)", True, replace_after=1)
    assert cache.lookup(at("x = v", "\n")) == Hit("c1", "alue)", 1, True, 1)


def test_a_user_ahead_of_the_stream_is_known() -> None:
    cache = SuggestionCache()
    cache.put(at("x = ", "\n"), "c1", "va")
    assert cache.lookup(at("x = valu", "\n")) == Hit("c1", "", 0, False, 4)
    cache.extend("c1", "value", True)
    assert served(cache.lookup(at("x = valu", "\n"))) == ("e", 0)
    cache.extend("c1", "vast", True)
    assert cache.lookup(at("x = valu", "\n")) is None


def test_nothing_to_say_is_remembered_for_that_position_only() -> None:
    cache = asked(at("x = ", "\n"), "")
    assert cache.lookup(at("x = ", "\n")) == Hit("c1", "", 0, True, 0)
    assert cache.lookup(at("x = v", "\n")) is None


def test_text_from_further_back_goes_before_a_stream_without_text() -> None:
    cache = asked(at("x = ", "\n"), "value")
    cache.put(at("x = v", "\n"), "c2")
    hit = cache.lookup(at("x = v", "\n"))
    assert hit is not None and (hit.completion_id, hit.text) == ("c1", "alue")


def test_a_new_answer_for_a_position_takes_the_place_of_the_old() -> None:
    cache = asked(at("x = ", "\n"), "old")
    cache.put(at("x = ", "\n"), "c2", "new", complete=True)
    assert served(cache.lookup(at("x = ", "\n"))) == ("new", 0)
    assert len(cache) == 1
    cache.discard("c2")
    assert cache.lookup(at("x = ", "\n")) is None
    assert len(cache) == 0


def test_the_least_recently_used_goes_first() -> None:
    cache = SuggestionCache(capacity=2)
    cache.put(at("a", "\n"), "c1", "1", complete=True)
    cache.put(at("b", "\n"), "c2", "2", complete=True)
    assert cache.lookup(at("a", "\n")) is not None
    cache.put(at("c", "\n"), "c3", "3", complete=True)
    assert cache.lookup(at("b", "\n")) is None
    assert cache.lookup(at("a", "\n")) is not None
    assert cache.lookup(at("c", "\n")) is not None


def test_documents_and_languages_are_kept_apart() -> None:
    cache = asked(at("x = ", "\n"), "value")
    assert cache.lookup(at("x = ", "\n", uri="file:///project/b.py")) is None
    assert cache.lookup(replace(at("x = ", "\n"), language="ruby")) is None


def test_forget_and_clear() -> None:
    cache = SuggestionCache()
    cache.put(at("x = ", "\n"), "c1", "value", complete=True)
    cache.put(at("x = ", "\n", uri="untitled:b"), "c2", "other", complete=True)
    cache.forget(URI)
    assert cache.lookup(at("x = ", "\n")) is None
    assert served(cache.lookup(at("x = ", "\n", uri="untitled:b"))) == ("other", 0)
    cache.extend("c1", "late", True)
    cache.clear()
    assert len(cache) == 0
    assert cache.lookup(at("x = ", "\n", uri="untitled:b")) is None


ALPHABET = "ab ()[]{}\"'\n"
SAID = st.one_of(
    st.sampled_from(["{\n a\n}", "(a, b)", "(a", "a)", "a):\n b", "(['a'])", "a {\n}"]),
    st.text(ALPHABET, max_size=8),
)
LONG_LINES = st.lists(st.text("ab ()", min_size=8, max_size=20), min_size=3, max_size=12).map("\n".join)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    before=LONG_LINES,
    after=st.text(ALPHABET, max_size=30),
    text=st.text(ALPHABET, min_size=2, max_size=60),
    data=st.data(),
)
def test_every_typed_prefix_finds_the_rest(before: str, after: str, text: str, data: st.DataObject) -> None:
    before = "".join(f"a line that only scrolls {n}\n" for n in range(8)) + before
    height = before.count("\n") + 1
    window = st.integers(height - 5, height + 10)
    cache = asked(at(before, after, window=data.draw(window)), text)
    for _ in range(6):
        typed = data.draw(st.integers(0, len(text) - 1))
        scrolled = text[:typed].count("\n")
        context = at(before + text[:typed], after, window=data.draw(window) + scrolled)
        hit = cache.lookup(context)
        assert hit is not None
        assert (hit.text, hit.replace_after, hit.typed) == (text[typed:], 0, typed)


@dataclass
class _Said:
    context: CursorContext
    text: str
    complete: bool
    replace_after: int


class Editing(RuleBasedStateMachine):
    """Random edits, questions and streams; whatever is served must be what the model said."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = SuggestionCache(capacity=8)
        self.before = ""
        self.after = ""
        self.window = 4
        self.said: dict[str, _Said] = {}
        self.number = 0

    @property
    def context(self) -> CursorContext:
        return at(self.before, self.after, window=self.window)

    @initialize(lines=st.integers(0, 12), after=st.sampled_from(["", "\n", "\n" * 8]))
    def start(self, lines: int, after: str) -> None:
        self.before, self.after = "a b a b\n" * lines, after

    @rule(text=SAID, complete=st.booleans(), replaced=st.integers(0, 2))
    def ask(self, text: str, complete: bool, replaced: int) -> None:
        replaced = min(replaced, len(self.context.line_suffix))
        self.number += 1
        name = f"c{self.number}"
        self.cache.put(self.context, name, text, complete=complete, replace_after=replaced)
        self.said[name] = _Said(self.context, text, complete, replaced)

    @precondition(lambda self: self.said)
    @rule(data=st.data(), more=st.text(ALPHABET, max_size=4), complete=st.booleans())
    def stream(self, data: st.DataObject, more: str, complete: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.said)))
        said = self.said[name]
        if not said.complete:
            said.text, said.complete = said.text + more, complete
            self.cache.extend(name, said.text, complete)

    @rule(text=st.text(ALPHABET, min_size=1, max_size=2), close=st.booleans())
    def type(self, text: str, close: bool) -> None:
        for character in text:
            self._type(character, close)

    @rule(text=SAID, count=st.integers(0, 8), close=st.booleans())
    def ask_and_type_through(self, text: str, count: int, close: bool) -> None:
        self.ask(text, True, 0)
        for character in text[:count]:
            self._type(character, close)

    @rule(text=SAID, count=st.integers(0, 8))
    def ask_between_brackets(self, text: str, count: int) -> None:
        self._type("(", True)
        self.ask(text, True, 1)
        for character in text[:count]:
            self._type(character, True)

    @rule(count=st.integers(1, 8), close=st.booleans())
    def type_what_is_suggested(self, count: int, close: bool) -> None:
        hit = self.cache.lookup(self.context)
        for character in hit.text[:count] if hit else "":
            self._type(character, close)

    @rule(
        text=SAID,
        back=st.integers(1, 90),
        change=st.sampled_from(["b", "a b a b\n", ""]),
        overwrite=st.booleans(),
        window=st.integers(2, 14),
    )
    def ask_and_edit_above(self, text: str, back: int, change: str, overwrite: bool, window: int) -> None:
        self.window = window
        self.ask(text, True, 0)
        place = max(0, len(self.before) - back)
        rest = self.before[place + (len(change) if overwrite else 0) :]
        self.before = self.before[:place] + change + rest

    def _type(self, character: str, close: bool) -> None:
        pairs = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'"}
        if close and character in ")]}\"'" and self.after.startswith(character):
            self.after = self.after[1:]
        elif close and character in pairs:
            self.after = pairs[character] + self.after
        elif close and character == "\n" and self.before[-1:] in ("(", "[", "{"):
            self.after = "\n" + self.after
        self.before += character

    @rule(count=st.integers(1, 3))
    def backspace(self, count: int) -> None:
        self.before = self.before[: max(0, len(self.before) - count)]

    @rule(count=st.integers(1, 3))
    def delete(self, count: int) -> None:
        self.after = self.after[count:]

    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        text = self.before + self.after
        place = data.draw(st.integers(0, len(text)))
        self.before, self.after = text[:place], text[place:]

    @rule(text=st.text(ALPHABET, min_size=1, max_size=3), above=st.booleans(), data=st.data())
    def edit_elsewhere(self, text: str, above: bool, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.before if above else self.after)))
        if above:
            self.before = self.before[:place] + text + self.before[place:]
        else:
            self.after = self.after[:place] + text + self.after[place:]

    @rule(window=st.integers(2, 8))
    def resize(self, window: int) -> None:
        self.window = window

    @invariant()
    def what_is_served_is_what_was_said(self) -> None:
        now = self.context
        hit = self.cache.lookup(now)
        if hit is None:
            return
        said = self.said[hit.completion_id]
        assert hit.complete == said.complete
        assert "\n" not in now.suffix[: hit.replace_after]
        then = said.context
        asked_at = len(now.prefix) - hit.typed
        if then.prefix_line == now.prefix_line == 0:
            assert asked_at == len(then.prefix)
        common = min(asked_at, len(then.prefix))
        same = then.prefix[len(then.prefix) - common :]
        mine = now.prefix[asked_at - common :]
        if not hit.text and not hit.complete:
            assert mine.startswith(same + said.text)
            return
        compared = "".join(then.suffix.splitlines(keepends=True)[:SUFFIX_LINES])
        expected = same + said.text + compared[said.replace_after :]
        result = mine + hit.text + now.suffix[hit.replace_after :]
        assert result.startswith(expected)
        if then.suffix.count("\n") < SUFFIX_LINES:
            assert result == expected


TestEditing = Editing.TestCase
TestEditing.settings = settings(
    max_examples=2 * settings().max_examples,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
