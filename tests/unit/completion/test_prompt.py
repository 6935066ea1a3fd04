from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from ide_agent.features.completion import templates
from ide_agent.features.completion.prompt import PromptPlanner
from ide_agent.features.completion.tokens import TokenCounter
from ide_agent.features.completion.wire import CompletionRequest


async def tokenize(text: str) -> Sequence[int]:
    return range(max(1, len(text) // 4))


def planner(template: templates.FimTemplate | None = None) -> PromptPlanner:
    return PromptPlanner(template, TokenCounter(tokenize))


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
    plan = await planner(templates.QWEN).plan(request(prefix='MARK = "<|fim_suffix|>"'))
    assert plan.parts.count("<|fim_suffix|>") == 1


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


async def test_a_prompt_of_token_ids_starts_with_the_start_token() -> None:
    template = templates.choose("own", {"prefix": 7, "suffix": 8, "middle": 9})
    plans = PromptPlanner(template, TokenCounter(tokenize), bos=1)
    plan = await plans.plan(request(path="", prefix="x", suffix="y"))
    assert plan.parts == [1, 7, "x", 8, "y", 9]
