"""What was sent, in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ide_agent.inference.remote.ledger import times
from ide_agent.locale import translatable, translate

_ENDS = ("begun", "ok", "cancelled")


def cost(used: dict[str, Any], language: str) -> str:
    """What it cost, of usage (``cost``, ``unpriced``); says where prices are not known."""
    if not used["unpriced"]:
        return translate("remote.cost", language, cost=float(used["cost"]))
    if not used["cost"]:
        return translate("remote.no_price", language)
    return translate("remote.cost_at_least", language, cost=float(used["cost"]))


def model(of: dict[str, Any], language: str) -> str:
    """Its name, of usage or of one request; where none was meant, the endpoint's."""
    if of["model"]:
        return f"{of['endpoint']}/{of['model']}"
    return translate("remote.listing", language, endpoint=of["endpoint"])


def outcome(entry: dict[str, Any], language: str) -> str:
    """How a request ended, and whether it left at all."""
    ended, detail, count = [*entry["outcome"].split(), "", ""][:3]
    if detail.isdigit():
        words = translate("remote.answered", language, status=detail, count=int(count or 1))
    else:
        keys = (f"remote.ended.{detail}", f"remote.outcome.{ended}")
        known = next((key for key in keys if translatable(key, {})), "")
        words = translate(known, language) if known else ended
    if (tries := times(entry["outcome"])) > 1:
        words = translate("remote.times", language, what=words, count=tries)
    if not entry["left"]:
        return translate("remote.unsent", language, why=words)
    return words if ended in _ENDS else translate("remote.failed", language, why=words)


def totals(entries: list[dict[str, Any]], language: str) -> str:
    """How many of them left, and how many did not."""
    left = sum(each["left"] for each in entries)
    unsent = sum(times(each["outcome"]) for each in entries if not each["left"])
    return translate("remote.totals", language, sent=left, unsent=unsent)


def moment(entry: dict[str, Any]) -> str:
    """When it was sent, by the clock of this machine."""
    return datetime.fromisoformat(entry["at"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def tokens(entry: dict[str, Any]) -> str:
    """Tokens in and out; a tilde where they are guessed."""
    mark = "~" if entry["estimated"] else ""
    return f"{mark}{entry['tokens_in']} / {mark}{entry['tokens_out']}"


def price(entry: dict[str, Any], language: str) -> str:
    """What one request cost."""
    known = entry["cost"]
    return "?" if known is None else translate("remote.cost", language, cost=float(known))


def line(entry: dict[str, Any], language: str) -> str:
    """One request."""
    what = translate(
        "remote.entry",
        language,
        tokens=tokens(entry),
        bytes=entry["bytes_out"],
        secrets=entry["secrets"],
        cost=price(entry, language),
        outcome=outcome(entry, language),
    )
    return f"{moment(entry)}  {entry['host']}  {model(entry, language)}  {entry['path']}  {what}"
