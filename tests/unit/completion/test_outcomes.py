import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ide_agent.errors import HostUnavailable
from ide_agent.features.completion import outcomes
from ide_agent.features.completion.cursor import CursorContext, Offer, Suggestion
from ide_agent.features.completion.outcomes import Outcomes

CONTEXT = CursorContext("file:///a.py", "a.py", "python", 1, "def f():\n    ", 0, "\n", 1)
PATIENCE = 30
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
    async with asyncio.timeout(PATIENCE):
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
    await book.close(deliver=True)
    assert sent == []


async def test_a_host_that_is_away_costs_the_events_only(lines: list[str]) -> None:
    async def send(events: list[dict[str, Any]]) -> None:
        raise HostUnavailable()

    book = Outcomes(send, lambda uri: lines)
    book.offered(OFFER)
    book.shown("c1")
    await book.close(deliver=True)


async def test_at_the_end_a_delivery_under_way_is_waited_for_and_the_rest_goes_along(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "_BATCH_S", 0.0)
    monkeypatch.setattr(outcomes, "_LAST_WORDS_S", 30.0)
    begun, delivered = asyncio.Event(), []
    gate = asyncio.Event()

    async def send(events: list[dict[str, Any]]) -> None:
        begun.set()
        await gate.wait()
        delivered.extend(kinds(events))

    book = Outcomes(send, lambda uri: lines)
    book.offered(OFFER)
    book.shown("c1")
    await asyncio.wait_for(begun.wait(), PATIENCE)
    book.dismissed("c1")
    closing = asyncio.create_task(book.close(deliver=True))
    await asyncio.sleep(0)
    gate.set()
    await closing
    assert sorted(delivered) == ["dismissed", "shown"]


async def test_at_the_end_nobody_is_waited_for_long(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "_LAST_WORDS_S", 0.0)
    cancelled = asyncio.Event()

    async def send(events: list[dict[str, Any]]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    book = Outcomes(send, lambda uri: lines)
    book.offered(OFFER)
    book.accepted("c1")
    await asyncio.wait_for(book.close(deliver=True), PATIENCE)
    await asyncio.wait_for(cancelled.wait(), PATIENCE)


async def test_at_the_end_nothing_is_sent_where_nobody_listens(
    book: Outcomes, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "_BATCH_S", 3600.0)
    book.offered(OFFER)
    book.shown("c1")
    await book.close(deliver=False)
    assert sent == []


async def test_what_must_not_be_recorded_any_more_is_dropped(
    book: Outcomes, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "_BATCH_S", 3600.0)
    book.offered(OFFER)
    book.accepted("c1")
    book.forget()
    book.dismissed("c1")
    await book.close(deliver=True)
    assert sent == []


async def test_the_loop_goes_on_while_the_document_is_searched(
    book: Outcomes, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def search(*_: Any) -> str:
        threads.append(threading.get_ident())
        return "x"

    monkeypatch.setattr(outcomes, "surviving", search)
    book.offered(OFFER)
    book.accepted("c1")
    await until(lambda: "kept" in kinds(sent))
    assert threads and threading.get_ident() not in threads
