import pytest

from ide_agent.inference.remote.prices import cost_of

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
