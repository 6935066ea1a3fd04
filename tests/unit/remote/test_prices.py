from typing import Any

import pytest

from ide_agent.inference.remote.prices import cost_of, tokens

ROUTER = "https://openrouter.ai/api/v1"


def test_known_prices_grow_with_the_tokens() -> None:
    small = cost_of(ROUTER, "openai/gpt-4o-mini", {"prompt_tokens": 100, "completion_tokens": 100})
    large = cost_of(ROUTER, "openai/gpt-4o-mini", {"prompt_tokens": 10_000, "completion_tokens": 10_000})
    assert small is not None
    assert large == pytest.approx(100 * small)


def test_what_the_api_says_itself_goes_before() -> None:
    assert cost_of(ROUTER, "openai/gpt-4o-mini", {"prompt_tokens": 1, "cost": 0.5}) == 0.5


@pytest.mark.parametrize(
    ("url", "model"), [("https://models.example/v1", "gpt-4o"), (ROUTER, "nobody/knows"), (ROUTER, "")]
)
def test_unknown_prices_are_unknown(url: str, model: str) -> None:
    assert cost_of(url, model, {"prompt_tokens": 1, "completion_tokens": 1}) is None


HOSTILE = [None, {}, [], "9", -1, True, 1.5, float("inf"), float("nan"), 10**30]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_numbers(value: Any) -> None:
    assert 0 <= tokens(value) <= 10**9
    usage = {"prompt_tokens": value, "completion_tokens": value, "cost": value}
    cost = cost_of("https://api.openai.com/v1", "gpt-4o", usage)
    assert cost is None or 0 <= cost < 10**9
