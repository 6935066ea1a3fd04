import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ide_agent.errors import HostUnavailable
from ide_agent.features.completion import outcomes
from ide_agent.features.completion.cursor import CursorContext, Suggestion
from ide_agent.features.completion.outcomes import Outcomes, surviving
from ide_agent.features.completion.service import Offer

CONTEXT = CursorContext("file:///a.py", "a.py", "python", 1, "def f():\n    ", 0, "\n", 1)
OFFER = Offer("c1", CONTEXT, Suggestion("return 1"), "starter", 12.5)


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def lines() -> list[str]:
    return ["def f():\n", "    return 1\n"]


@pytest.fixture
def book(sent: list[dict[str, Any]], lines: list[str], monkeypatch: pytest.MonkeyPatch) -> Outcomes:
    monkeypatch.setattr(outcomes, "_BATCH_S", 0.0)
    monkeypatch.setattr(outcomes, "KEPT_AFTER_S", 0.01)

    async def send(events: list[dict[str, Any]]) -> None:
        sent.extend(events)

    return Outcomes(send, lambda uri: lines if uri == CONTEXT.uri else None)


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)


def kinds(sent: list[dict[str, Any]]) -> list[str]:
    return [event["kind"] for event in sent]


async def test_shown_accepted_and_kept(book: Outcomes, sent: list[dict[str, Any]]) -> None:
    book.offered(OFFER)
    book.shown("c1")
    book.shown("c1")
    assert book.accepted("c1") == OFFER
    await until(lambda: "kept" in kinds(sent))
    assert kinds(sent) == ["shown", "accepted", "kept"]
    assert sent[0] | {"at": ""} == {
        "completion_id": "c1",
        "kind": "shown",
        "at": "",
        "language": "python",
        "path": "a.py",
        "model": "starter",
        "text": "return 1",
        "latency_ms": 12.5,
    }
    assert sent[2]["kept_text"] == "return 1"


async def test_accepting_says_shown_for_clients_that_say_nothing(
    book: Outcomes, sent: list[dict[str, Any]]
) -> None:
    book.offered(OFFER)
    book.accepted("c1")
    await until(lambda: "accepted" in kinds(sent))
    assert kinds(sent)[:2] == ["shown", "accepted"]


async def test_partly_accepted_and_dismissed(book: Outcomes, sent: list[dict[str, Any]]) -> None:
    book.offered(OFFER)
    book.accepted_partly("c1", 6)
    book.dismissed("c1")
    book.dismissed("c1")
    await until(lambda: "dismissed" in kinds(sent))
    assert kinds(sent) == ["acceptedPartly", "dismissed"]
    assert sent[0]["accepted_length"] == 6


async def test_unknown_ids_are_passed_over(book: Outcomes, sent: list[dict[str, Any]]) -> None:
    book.shown("x")
    book.dismissed("x")
    assert book.accepted("x") is None
    await book.close()
    assert sent == []


async def test_a_host_that_is_away_costs_the_events_only(lines: list[str]) -> None:
    async def send(events: list[dict[str, Any]]) -> None:
        raise HostUnavailable()

    book = Outcomes(send, lambda uri: lines)
    book.offered(OFFER)
    book.shown("c1")
    await book.close()


@pytest.mark.parametrize(
    ("document", "left"),
    [
        (["def f():", "    return 1"], "return 1"),
        (["# new", "", "def f():", "    return 1"], "return 1"),
        (["def f():", "    return 10"], "return 10"),
        (["def f():", "    pass"], ""),
        ([], ""),
    ],
)
def test_what_survives(document: list[str], left: str) -> None:
    assert surviving(OFFER, [line + "\n" for line in document]) == left


def test_of_several_lines_the_edited_ones_count() -> None:
    offer = Offer("c", CONTEXT, Suggestion("a = 1\n    b = 2\n    return a"), "m")
    document = ["def f():\n", "    a = 1\n", "    b = 3\n", "    return a\n"]
    assert surviving(offer, document) == "a = 1\n    b = 3\n    return a"
