"""What a request cost, by the table that comes with the package genai-prices; nothing is fetched."""

from __future__ import annotations

import math
from typing import Any

_MOST_TOKENS = 1_000_000_000
_MOST_DOLLARS = 100_000.0


def cost_of(url: str, model: str, usage: dict[str, Any]) -> float | None:
    """US dollars; None when the price is not known.

    Args:
        url: base address of the API.
        model: as the API calls it.
        usage: ``prompt_tokens`` and ``completion_tokens``; a ``cost`` that the API names itself goes before.
    """
    named = usage.get("cost")
    if isinstance(named, int | float) and not isinstance(named, bool) and 0 <= named <= _MOST_DOLLARS:
        return float(named)
    from genai_prices import Usage, calc_price

    counted = Usage(
        input_tokens=tokens(usage.get("prompt_tokens")),
        output_tokens=tokens(usage.get("completion_tokens")),
    )
    try:
        price = float(calc_price(counted, model, provider_api_url=url).total_price)
    except LookupError:
        return None
    return price if math.isfinite(price) else None


def tokens(value: Any) -> int:
    """A count of tokens as an API says it; 0 where it is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return min(max(value, 0), _MOST_TOKENS)
