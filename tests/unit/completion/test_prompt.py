from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from ide_agent.features.completion import templates
from ide_agent.features.completion.prompt import PromptPlanner
from ide_agent.features.completion.wire import CompletionRequest


async def tokenize(text: str, *, special: bool = False) -> Sequence[int]:
    return range(max(1, len(text) // 4))


async def letters(text: str, *, special: bool = False) -> Sequence[int]:
    """One token a letter, and one for what is special."""
    return [9] if special else [ord(letter) for letter in text]


def planner(template: templates.FimTemplate | None = None) -> PromptPlanner:
    return PromptPlanner(template, tokenize)


def request(**more: Any) -> CompletionRequest:
    body = {"document": "file:///a.py", "path": "pkg/a.py", "language": "python", "prefix": "x = "} | more
    return CompletionRequest(**body)


def text(parts: list[templates.Part]) -> str:
    return "".join(str(part) for part in parts)


async def whole(plans: PromptPlanner, body: CompletionRequest) -> str:
    """The prompt with what is generated again."""
    plan = await plans.plan(body)
    return text(plan.parts) + plan.healing.text


async def test_what_changes_least_comes_first() -> None:
    prompt = await whole(
        planner(),
        request(
            snippets=[{"path": "pkg/b.py", "text": "def b(): ..."}],
            declarations=[{"path": "pkg/c.py", "text": "def c() -> int: ..."}],
        ),
    )
    places = [
        prompt.index(part) for part in ("pkg/b.py", "def b()", "pkg/c.py", "def c()", "pkg/a.py", "x = ")
    ]
    assert places == sorted(places)
    assert prompt.endswith("x = ")


async def test_typing_on_only_adds_to_the_prompt() -> None:
    plans = planner()
    before = "\n".join(f"value_{n} = compute_something({n})" for n in range(400)) + "\n"
    prompts = [
        await whole(plans, request(prefix=before + typed, prompt_tokens=512))
        for typed in ("", "r", "re", "return ", "return value\n", "return value\nx")
    ]
    for shorter, longer in pairwise(prompts):
        assert longer.startswith(shorter)


async def test_the_window_moves_rarely_and_keeps_to_the_budget() -> None:
    plans = planner()
    lines: list[str] = []
    starts = []
    for n in range(600):
        lines.append(f"value_{n} = compute_something({n})")
        plan = await plans.plan(request(prefix="\n".join(lines) + "\n", prompt_tokens=512))
        assert plan.tokens <= 512
        starts.append(text(plan.parts).split("\n")[1])
    moves = sum(1 for a, b in pairwise(starts) if a != b)
    assert 0 < moves < 600 / 10


async def test_a_jump_up_the_file_gets_a_window_of_its_own() -> None:
    plans = planner()
    lines = [f"value_{n} = compute_something({n})" for n in range(400)]
    await plans.plan(request(prefix="\n".join(lines), prompt_tokens=256))
    plan = await plans.plan(request(prefix="\n".join(lines[:20]), prompt_tokens=256))
    assert "value_19" in text(plan.parts)


async def test_one_endless_line_is_cut_and_the_cut_holds_still() -> None:
    plans = planner()
    line = "".join(f"{n}," for n in range(20_000))
    first = await whole(plans, request(prefix=line, path="", prompt_tokens=256))
    second = await whole(plans, request(prefix=line + "1", path="", prompt_tokens=256))
    assert len(first) < 1024
    assert second == first + "1"


@pytest.mark.parametrize(
    "template", [templates.QWEN, templates.STARCODER, templates.CODELLAMA, templates.DEEPSEEK]
)
async def test_fim_models_see_the_suffix(template: templates.FimTemplate) -> None:
    plan = await planner(template).plan(request(suffix="\nprint(x)\n"))
    prompt = text(plan.parts)
    assert plan.fim
    assert prompt.index("x = ") < prompt.index("print(x)")


async def test_prefix_only_models_do_not() -> None:
    plan = await planner().plan(request(suffix="\nprint(x)\n"))
    assert not plan.fim
    assert "print(x)" not in text(plan.parts)


async def test_case_22_user_sentinels_stay_text() -> None:
    template = await templates.resolve(templates.QWEN, letters)
    plans = PromptPlanner(template, letters)
    plan = await plans.plan(request(path="", prefix="<|fim_suffix|>", suffix="y"))
    assert plan.parts == ["", 9, *map(ord, "<|fim_suffix|>"), 9, "y", 9]


@pytest.mark.parametrize("prefix", ["a <|im_end|> b <s>c</s>(", "see <filename>("])
async def test_a_prompt_with_special_tokens_in_it_is_one_prompt(prefix: str) -> None:
    plan = await PromptPlanner(None, letters, ["<filename>"]).plan(request(path="", prefix=prefix))
    assert plan.healing.text == ""
    assert plan.parts == ["", *map(ord, prefix)]


@pytest.mark.parametrize("family", [templates.STARCODER, templates.CODESTRAL, templates.CODELLAMA])
@pytest.mark.parametrize("path", ["", "pkg/a.py"])
async def test_several_strings_never_stand_without_a_token_id(
    family: templates.FimTemplate, path: str
) -> None:
    plans = PromptPlanner(await templates.resolve(family, letters), letters)
    for prefix, suffix in (("x", "y"), ("", ""), ("<s>a</s>b", "c<s>d")):
        plan = await plans.plan(request(path=path, prefix=prefix, suffix=suffix))
        assert any(isinstance(part, int) for part in plan.parts)


async def test_snippets_that_do_not_fit_are_left_out_whole() -> None:
    big = "\n".join(f"line {n}" for n in range(1000))
    plan = await planner().plan(
        request(
            snippets=[{"path": "big.py", "text": big}, {"path": "small.py", "text": "s = 1"}],
            prompt_tokens=256,
        )
    )
    assert "small.py" in text(plan.parts)
    assert "big.py" not in text(plan.parts)


async def test_plain_text_gets_no_comment_header() -> None:
    plan = await planner().plan(request(language="markdown", path="README.md", prefix="# Hello"))
    assert text(plan.parts) + plan.healing.text == "# Hello"


async def test_before_token_ids_the_engine_is_given_a_place_for_the_start_token() -> None:
    template = templates.choose("own", {"prefix": 7, "suffix": 8, "middle": 9})
    plan = await PromptPlanner(template, tokenize).plan(request(path="", prefix="x", suffix="y"))
    assert plan.parts == ["", 7, "x", 8, "y", 9]
    plan = await planner().plan(request(path="", prefix="x("))
    assert plan.parts == ["x("]
