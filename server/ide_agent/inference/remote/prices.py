"""What a request cost, by the table that comes with the package genai-prices; nothing is fetched."""

from __future__ import annotations

from typing import Any


def cost_of(url: str, model: str, usage: dict[str, Any]) -> float | None:
    """US dollars; None when the price is not known.

    Args:
        url: base address of the API.
        model: as the API calls it.
        usage: ``prompt_tokens`` and ``completion_tokens``; a ``cost`` that the API names itself goes before.
    """
    named = usage.get("cost")
    if isinstance(named, int | float) and not isinstance(named, bool) and named >= 0:
        return float(named)
    from genai_prices import Usage, calc_price

    counted = Usage(
        input_tokens=int(usage.get("prompt_tokens") or 0),
        output_tokens=int(usage.get("completion_tokens") or 0),
    )
    try:
        return float(calc_price(counted, model, provider_api_url=url).total_price)
    except LookupError:
        return None
