"""The snippet ring: what goes in, what comes out, and that it stays the same meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ide_agent.features.completion.cursor import CursorContext, Snippet
from ide_agent.features.completion.ring import CHUNK_CHARS, CHUNK_LINES, CHUNKS, JUMP_LINES, SnippetRing

URI = "file:///project/main.py"


def code(name: str, count: int = 200) -> list[str]:
    """Lines that are like no other document's."""
    return [f"{name}_{n} = shared_helper({name}, {n})\n" for n in range(count)]


def at(
    before: str = "shared_helper(",
    after: str = "",
    *,
    path: str = "main.py",
    uri: str = URI,
    first: int = 0,
    language: str = "python",
) -> CursorContext:
    return CursorContext(uri, path, language, 1, before, first, after, first + before.count("\n"))


def within(lines: Sequence[str], line: int, path: str) -> CursorContext:
    """The cursor in a document, with a window of 60 lines before and 20 after."""
    first = max(0, line - 60)
    return at(
        "".join(lines[first:line]),
        "".join(lines[line : line + 20]),
        path=path,
        uri=f"file:///{path}",
        first=first,
    )


def names(snippets: Sequence[Snippet]) -> list[str]:
    return [snippet.path for snippet in snippets]


def test_an_opened_document_gives_a_chunk_around_the_cursor() -> None:
    ring = SnippetRing()
    ring.visit("other.py", "python", code("other"), 100)
    (snippet,) = ring.choose(at(), 8)
    assert snippet.path == "other.py"
    assert snippet.text.split("\n") == [line.rstrip("\n") for line in code("other")[68 : 68 + CHUNK_LINES]]


def test_line_ends_of_all_kinds_are_left_out() -> None:
    ring = SnippetRing()
    ring.visit("other.py", "python", [line.replace("\n", "\r\n") for line in code("other", 5)], 0)
    (snippet,) = ring.choose(at(), 8)
    assert snippet.text.split("\n") == [line.rstrip("\n") for line in code("other", 5)]


def test_small_moves_gather_nothing_and_jumps_do() -> None:
    ring = SnippetRing()
    lines = code("other", 500)
    ring.visit("other.py", "python", lines, 10)
    for line in range(10, 10 + JUMP_LINES + 1):
        ring.visit("other.py", "python", lines, line)
    assert len(ring.choose(at(), 8)) == 1
    ring.visit("other.py", "python", lines, 400)
    ring.refresh(URI)
    texts = [snippet.text for snippet in ring.choose(at(), 8)]
    assert any("other_400 " in text for text in texts)
    assert any("other_10 " in text for text in texts)


def test_a_jump_gathers_the_place_it_left_as_it_is_now() -> None:
    ring = SnippetRing()
    lines = code("other", 500)
    ring.visit("other.py", "python", lines, 10)
    lines[10] = "fresh = shared_helper(fresh)\n"
    ring.visit("other.py", "python", lines, 400)
    assert any("fresh" in snippet.text for snippet in ring.choose(at(), 8))


def test_an_edit_takes_the_place_of_the_older_chunk_from_there() -> None:
    ring = SnippetRing()
    lines = code("other")
    ring.edited("other.py", "python", lines, 100)
    lines[95:105] = [f"rewritten_{n} = shared_helper()\n" for n in range(10)]
    ring.edited("other.py", "python", lines, 100)
    (snippet,) = ring.choose(at(), 8)
    assert "rewritten_5" in snippet.text
    assert "other_100 " not in snippet.text


def test_near_copies_are_one_chunk() -> None:
    ring = SnippetRing()
    ring.visit("first.py", "python", code("other"), 100)
    copy = code("other")
    copy[100] = "changed = shared_helper()\n"
    ring.visit("copy.py", "python", copy, 100)
    assert names(ring.choose(at(), 8)) == ["copy.py"]


def test_the_ring_is_bounded() -> None:
    ring = SnippetRing()
    for number in range(CHUNKS + 5):
        ring.visit(f"m{number}.py", "python", code(f"m{number}"), 100)
    chosen = names(ring.choose(at(), 100))
    assert len(chosen) == CHUNKS
    assert {"m0.py", "m4.py"}.isdisjoint(chosen)
    assert {"m5.py", "m20.py"} <= set(chosen)


def test_case_38_and_40_a_chunk_is_bounded_whatever_the_document() -> None:
    ring = SnippetRing()
    ring.visit("min.js", "javascript", ["x" * 10_000_000], 0)
    ring.visit("wide.py", "python", [f"wide_{n} = shared_helper({'a' * 300})\n" for n in range(16_000)], 8000)
    ring.visit("mixed.py", "python", [*code("mixed", 10), "y" * 100_000, *code("later", 10)], 5)
    chosen = ring.choose(at(), 8)
    assert sorted(names(chosen)) == ["mixed.py", "wide.py"]
    assert all(len(snippet.text) <= CHUNK_CHARS for snippet in chosen)
    assert all("later" not in snippet.text for snippet in chosen)


def test_a_line_beyond_the_end_and_an_empty_document_do_no_harm() -> None:
    ring = SnippetRing()
    ring.visit("empty.py", "python", [], 0)
    ring.visit("blank.py", "python", ["\n"] * 50, 7)
    ring.visit("short.py", "python", code("short", 5), 999)
    assert names(ring.choose(at(), 8)) == ["short.py"]


def test_documents_without_a_path_are_left_out() -> None:
    ring = SnippetRing()
    ring.visit("", "python", code("other"), 100)
    ring.edited("", "python", code("other"), 100)
    assert ring.choose(at(), 8) == []


def test_nothing_is_gathered_from_private_files() -> None:
    private = {".env"}
    ring = SnippetRing(lambda path: path in private)
    ring.visit(".env", "dotenv", code("secret"), 100)
    ring.edited(".env", "dotenv", code("secret"), 100)
    ring.visit("other.py", "python", code("other"), 100)
    private.add("other.py")
    assert ring.choose(at(), 8) == []


def test_chunks_without_a_name_in_common_are_not_chosen() -> None:
    ring = SnippetRing()
    ring.visit("other.py", "python", code("other"), 100)
    assert ring.choose(at("nothing_alike("), 8) == []


def test_the_most_relevant_comes_last() -> None:
    ring = SnippetRing()
    ring.visit("close.py", "python", ["shared_helper(alpha, beta)\n", "alpha = beta\n", "beta = alpha\n"], 0)
    ring.visit("far.py", "python", code("far"), 100)
    ring.visit("middle.py", "python", code("middle", 10), 0)
    assert names(ring.choose(at("alpha = 1\nshared_helper(beta"), 8)) == ["far.py", "middle.py", "close.py"]
    assert names(ring.choose(at("alpha = 1\nshared_helper(beta"), 1)) == ["close.py"]


def test_of_equals_the_same_language_and_the_newer_come_last() -> None:
    ring = SnippetRing()
    for name, language in (("a1", "ruby"), ("b1", "python"), ("c1", "python"), ("d1", "ruby")):
        ring.visit(f"{name}.x", language, code(name), 100)
    assert names(ring.choose(at(), 8)) == ["a1.x", "d1.x", "b1.x", "c1.x"]


def test_case_26_the_visible_window_is_not_repeated() -> None:
    ring = SnippetRing()
    lines = code("main", 500)
    ring.visit("main.py", "python", lines, 400)
    ring.visit("main.py", "python", lines, 100)
    (snippet,) = ring.choose(within(lines, 100, "main.py"), 8)
    assert "main_400 " in snippet.text


def test_case_26_nor_after_lines_above_have_moved_it() -> None:
    ring = SnippetRing()
    lines = code("main", 500)
    ring.visit("main.py", "python", lines, 100)
    moved = ["import something\n"] * 150 + lines
    assert ring.choose(within(moved, 250, "main.py"), 8) == []
    ring.refresh("file:///main.py")
    assert ring.choose(within(moved, 205, "main.py"), 8) == []


def test_case_26_nor_is_a_copy_in_another_document() -> None:
    ring = SnippetRing()
    lines = code("main", 120)
    ring.visit("copy.py", "python", lines, 60)
    assert ring.choose(within(lines, 60, "main.py"), 8) == []


def test_case_26_two_chunks_of_a_document_do_not_overlap() -> None:
    ring = SnippetRing()
    lines = code("other", 500)
    for line in (100, 140, 180):
        ring.edited("other.py", "python", lines, line)
    chosen = ring.choose(at(), 8)
    every = [line for snippet in chosen for line in snippet.text.split("\n")]
    assert len(chosen) >= 2
    assert len(every) == len(set(every))


def test_the_choice_is_the_same_from_keystroke_to_keystroke() -> None:
    ring = SnippetRing()
    for number in range(6):
        ring.visit(f"m{number}.py", "python", code(f"m{number}"), 100)
    before = ring.choose(at("m3 = shared_helper("), 3)
    assert "m3.py" in names(before)
    for number in range(6, 12):
        ring.visit(f"m{number}.py", "python", code(f"m{number}"), 100)
        assert ring.choose(at(f"m{number} = shared_helper("), 3) == before
    ring.refresh("file:///project/another.py")
    assert ring.choose(at("m11 = shared_helper("), 3) == before
    ring.refresh(URI)
    assert names(ring.choose(at("m11 = shared_helper("), 3))[-1] == "m11.py"


def test_another_document_gets_a_choice_of_its_own() -> None:
    ring = SnippetRing()
    ring.visit("one.py", "python", code("one"), 100)
    assert names(ring.choose(at(), 8)) == ["one.py"]
    ring.visit("two.py", "python", code("two"), 100)
    assert names(ring.choose(at(), 8)) == ["one.py"]
    assert sorted(names(ring.choose(at(uri="file:///b.py", path="b.py"), 8))) == ["one.py", "two.py"]


def test_a_refresh_that_finds_the_same_keeps_the_order() -> None:
    ring = SnippetRing()
    ring.visit("one.py", "python", code("one"), 100)
    ring.visit("two.py", "python", code("two"), 100)
    first = ring.choose(at("one = shared_helper("), 8)
    ring.refresh(URI)
    assert ring.choose(at("two = shared_helper("), 8) == first


def test_case_26_what_the_cursor_came_to_is_taken_out_of_the_frozen_choice() -> None:
    ring = SnippetRing()
    lines = code("main", 500)
    ring.visit("other.py", "python", code("other"), 100)
    ring.visit("main.py", "python", lines, 400)
    ring.visit("main.py", "python", lines, 100)
    assert sorted(names(ring.choose(within(lines, 100, "main.py"), 8))) == ["main.py", "other.py"]
    assert names(ring.choose(within(lines, 400, "main.py"), 8)) == ["other.py"]


def test_forget_takes_effect_at_once() -> None:
    ring = SnippetRing()
    ring.visit("one.py", "python", code("one"), 100)
    ring.visit("two.py", "python", code("two"), 100)
    ring.choose(at(), 8)
    ring.forget("two.py")
    assert names(ring.choose(at(), 8)) == ["one.py"]
    ring.refresh(URI)
    assert names(ring.choose(at(), 8)) == ["one.py"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    moves=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 400), st.booleans(), st.integers(0, 40)), max_size=25
    ),
    cursor=st.integers(0, 400),
)
def test_case_26_no_run_of_lines_stands_in_the_prompt_twice(
    moves: list[tuple[int, int, bool, int]], cursor: int
) -> None:
    documents = [code(f"doc{n}", 400) for n in range(3)]
    ring = SnippetRing()
    for document, line, edit, inserted in moves:
        lines = documents[document]
        if edit:
            lines[line:line] = [
                f"new_{document}_{len(lines)}_{n} = shared_helper()\n" for n in range(inserted)
            ]
        (ring.edited if edit else ring.visit)(f"doc{document}.py", "python", lines, line)
    context = within(documents[0], cursor, "doc0.py")
    chosen = ring.choose(context, 16)
    assert ring.choose(context, 16) == chosen
    texts = [context.prefix + context.suffix, *(snippet.text for snippet in chosen)]
    runs = [
        run
        for text in texts
        for lines in [[line for line in text.split("\n") if line]]
        for run in {tuple(lines[n : n + 3]) for n in range(len(lines) - 2)}
    ]
    assert len(runs) == len(set(runs))
