import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ide_agent.config import RemoteEndpoint, RemoteSettings
from ide_agent.errors import BudgetSpent, IdeAgentError, RemoteOff, RemoteRefused
from ide_agent.features.remote import audit as audit_module
from ide_agent.features.remote.audit import Audit
from ide_agent.inference.remote.ledger import Allowance, Sent
from ide_agent.storage.database import Database

ISTANBUL = timezone(timedelta(hours=3))
NOON = datetime(2026, 5, 4, 12, tzinfo=ISTANBUL)


class Desk:
    """An audit log, the budgets it goes by, and what it warned of."""

    def __init__(self, database: Database) -> None:
        self.settings = RemoteSettings(endpoints={"out": RemoteEndpoint(url="https://models.example/v1")})
        self.now = NOON
        self.warnings: list[IdeAgentError] = []
        self.database = database
        self.audit = self.make()

    def make(self) -> Audit:
        return Audit(self.database, lambda: self.settings, self.warnings.append, lambda: self.now)

    async def send(self, tokens: int = 10, cost: float | None = None, endpoint: str = "out") -> Sent:
        sent = Sent(endpoint, "models.example", "m", "/chat/completions", at=self.now.astimezone(UTC))
        sent.number = await self.audit.begin(sent)
        sent.tokens_in, sent.tokens_out, sent.cost, sent.outcome = tokens - 1, 1, cost, "ok"
        await self.audit.end(sent)
        return sent

    def limit(self, endpoint: dict[str, Any] | None = None, **limits: Any) -> None:
        section = RemoteEndpoint(url="https://models.example/v1", **(endpoint or {}))
        self.settings = RemoteSettings(endpoints={"out": section}, **limits)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    database = Database(tmp_path / "host.db")
    await database.open()
    yield Desk(database)
    await database.close()


async def test_what_is_about_to_leave_is_noted_before_and_after(desk: Desk) -> None:
    sent = Sent("out", "models.example", "m", "/chat/completions", secrets=2, bytes_out=5, tokens_in=7)
    sent.number = await desk.audit.begin(sent)
    (entry,) = await desk.audit.last(10)
    assert (entry["outcome"], entry["secrets"], entry["host"]) == ("begun", 2, "models.example")
    sent.outcome, sent.cost, sent.bytes_in = "ok", 0.5, 99
    await desk.audit.end(sent)
    (entry,) = await desk.audit.last(10)
    assert (entry["outcome"], entry["cost"], entry["bytes_in"]) == ("ok", 0.5, 99)
    assert datetime.fromisoformat(entry["at"]) == sent.at


async def test_usage_is_known_after_a_restart(desk: Desk) -> None:
    await desk.send(10, 0.5)
    await desk.send(20)
    begun = Sent("out", "h", "m", "/chat/completions", tokens_in=5, at=desk.now.astimezone(UTC))
    await desk.audit.begin(begun)  # and then the host dies
    day = await desk.make().today()
    assert (day.all.requests, day.all.tokens, day.all.cost, day.all.unpriced) == (3, 35, 0.5, 2)
    assert day.models["out", "m"].requests == 3


async def test_what_did_not_leave_counts_as_such(desk: Desk) -> None:
    await desk.send(10, 0.5)
    sent = Sent("out", "h", "m", "/chat/completions", tokens_in=5, secrets=3)
    sent.number = await desk.audit.begin(sent)
    sent.outcome, sent.left = "RemoteUnavailable", False
    await desk.audit.end(sent)
    for day in (await desk.audit.today(), await desk.make().today()):
        assert (day.all.requests, day.all.unsent, day.all.tokens, day.all.secrets) == (1, 1, 10, 0)
    assert [entry["left"] for entry in await desk.audit.last(10)] == [False, True]


async def test_a_day_is_the_users(desk: Desk) -> None:
    desk.now = NOON.replace(hour=0, minute=30)  # 21:30 of the day before in UTC
    await desk.send()
    desk.now = NOON
    assert (await desk.audit.today()).all.requests == 1
    assert (await desk.make().today()).all.requests == 1
    desk.now = NOON + timedelta(days=1)
    assert (await desk.audit.today()).all.requests == 0
    assert (await desk.make().today()).all.requests == 0


@pytest.mark.parametrize(
    ("limits", "setting"),
    [
        ({"tokens_per_day": 100}, "remote.tokens_per_day"),
        ({"cost_per_day": 1.0}, "remote.cost_per_day"),
        ({"endpoint": {"tokens_per_day": 100}}, "remote.endpoints.out.tokens_per_day"),
        ({"endpoint": {"cost_per_day": 1.0}}, "remote.endpoints.out.cost_per_day"),
        ({"endpoint": {"model_tokens_per_day": 100}}, "remote.endpoints.out.model_tokens_per_day"),
        ({"endpoint": {"model_cost_per_day": 1.0}}, "remote.endpoints.out.model_cost_per_day"),
    ],
)
async def test_budgets(desk: Desk, limits: dict[str, Any], setting: str) -> None:
    desk.limit(**limits)
    await desk.send(79, 0.79)
    assert desk.warnings == []
    await desk.send(1, 0.01)
    await desk.send(19, 0.19)
    assert [warning.params["setting"] for warning in desk.warnings] == [setting], "said once"
    desk.audit.check("out", "m")
    await desk.send(1, 0.01)
    with pytest.raises(BudgetSpent) as spent:
        desk.audit.check("out", "m")
    assert spent.value.params["setting"] == setting
    assert "{" not in spent.value.message("tr")
    with pytest.raises(BudgetSpent):
        await desk.make().begin(Sent("out", "h", "m", "/x"))
    if "endpoints" in setting:
        desk.audit.check("another", "m")
    if "model_" in setting:
        assert spent.value.params["scope"] == "out/m"
        desk.audit.check("out", "another")
        desk.audit.check("out")
    desk.now += timedelta(days=1)
    await desk.send()


async def test_what_cannot_be_noted_does_not_leave(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    database = Database(tmp_path / "file" / "host.db")
    await database.open()
    desk = Desk(database)
    with pytest.raises(RemoteRefused, match="must be noted first"):
        await desk.audit.begin(Sent("out", "h", "m", "/x"))
    await database.close()


async def test_the_newest_come_first(desk: Desk) -> None:
    numbers = [(await desk.send()).number for _ in range(3)]
    assert [entry["id"] for entry in await desk.audit.last(2)] == numbers[:0:-1]


@pytest.mark.parametrize(
    ("allowance", "key"),
    [
        (Allowance("big", tokens=100), "error.routes.tokens"),
        (Allowance("big", cost=1.0), "error.routes.cost"),
        (Allowance("big", tokens=100, cost=50.0), "error.routes.tokens"),
    ],
)
async def test_what_a_rule_allows(desk: Desk, allowance: Allowance, key: str) -> None:
    await desk.send(79, 0.79)
    await desk.audit.allow("out", "m", allowance)
    assert desk.warnings == []
    await desk.send(11, 0.11)
    for _ in range(2):
        await desk.audit.allow("out", "m", allowance)
    assert [warning.key_used for warning in desk.warnings] == [f"{key}_near"], "said once"
    await desk.send(10, 0.10)
    for audit in (desk.audit, desk.make()):  # after a restart, too
        with pytest.raises(BudgetSpent) as spent:
            await audit.allow("out", "m", allowance)
        assert spent.value.key_used == f"{key}_spent"
        for language in ("en", "tr"):
            message = spent.value.message(language)
            assert "{" not in message and "out/m" in message and "“big”" in message
    await desk.audit.allow("out", "another", allowance)
    desk.now += timedelta(days=1)
    await desk.audit.allow("out", "m", allowance)


async def test_a_rule_that_allows_nothing(desk: Desk) -> None:
    with pytest.raises(BudgetSpent):
        await desk.audit.allow("out", "m", Allowance("none", tokens=0))
    assert desk.warnings == []


async def test_what_is_held_back_is_one_entry_a_day(desk: Desk) -> None:
    async def hold(model: str = "m") -> None:
        sent = Sent("out", "models.example", model, "/completion", left=False)
        sent.failed(RemoteOff(host="models.example"))
        await desk.audit.held_back(sent)

    await asyncio.gather(*(hold() for _ in range(20)), hold("other"))
    assert (await desk.audit.today()).all.unsent == 21
    entries = await desk.audit.last(9)
    assert sorted((each["model"], each["outcome"]) for each in entries) == [
        ("m", "RemoteOff off 20"),
        ("other", "RemoteOff off"),
    ]
    again = desk.make()
    assert ((await again.today()).all.unsent, (await again.today()).all.requests) == (21, 0)
    desk.now += timedelta(days=1)
    await hold()
    assert [each["outcome"] for each in await desk.audit.last(1)] == ["RemoteOff off"]
    assert (await desk.audit.today()).all.unsent == 1


async def hold(desk: Desk, model: str = "m") -> None:
    sent = Sent("out", "models.example", model, "/completion", left=False)
    sent.failed(RemoteOff(host="models.example"))
    await desk.audit.held_back(sent)


async def held(desk: Desk) -> dict[str, str]:
    return {each["model"]: each["outcome"] for each in await desk.audit.last(1000)}


async def test_what_is_held_back_is_one_entry_a_day_of_several_hosts(desk: Desk) -> None:
    for _ in range(3):
        await hold(desk)
        await hold(desk)
        await desk.audit.close()
        desk.audit = desk.make()
    assert await held(desk) == {"m": "RemoteOff off 6"}
    assert len(await desk.audit.last(1000)) == 1
    assert (await desk.audit.today()).all.unsent == 6


async def test_what_is_held_back_is_not_written_each_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "_WRITE_SECONDS", 1000.0)
    runs: list[object] = []

    async def run(work: Any) -> Any:
        runs.append(work)
        return await Database.run(desk.database, work)

    monkeypatch.setattr(desk.database, "run", run)
    for _ in range(50):
        await hold(desk)
    assert len(runs) == 2  # what there was today, and the first
    await desk.audit.close()
    assert len(runs) == 3
    await hold(desk)  # somebody was late
    assert await held(Desk(desk.database)) == {"m": "RemoteOff off 51"}


async def test_what_is_held_back_is_written_soon(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "_WRITE_SECONDS", 0.0)
    await hold(desk)
    await hold(desk)
    other = Desk(desk.database)
    async with asyncio.timeout(60):
        while await held(other) != {"m": "RemoteOff off 2"}:
            await asyncio.sleep(0.001)


async def test_names_that_a_client_makes_up_share_an_entry(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "_HELD", 2)
    for number in range(5):
        await hold(desk, f"m{number}")
    await hold(desk, "m1")
    assert await held(desk) == {"m0": "RemoteOff off", "m1": "RemoteOff off 2", "*": "RemoteOff off 3"}
    assert {name for _, name in (await desk.audit.today()).models} == {"m0", "m1", "*"}


async def test_what_is_held_back_and_cannot_be_noted_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    database = Database(tmp_path / "file" / "host.db")
    await database.open()
    await Desk(database).audit.held_back(Sent("out", "models.example", "m", "/completion", left=False))
    await database.close()


async def test_what_is_under_way_counts(desk: Desk) -> None:
    desk.limit(tokens_per_day=100)
    first = Sent("out", "h", "m", "/x", tokens_in=100)
    first.number = await desk.audit.begin(first)
    with pytest.raises(BudgetSpent):
        await desk.audit.begin(Sent("out", "h", "m", "/x"))
    first.tokens_in = 5
    await desk.audit.end(first)
    assert (await desk.audit.today()).all.tokens == 5
    await desk.audit.begin(Sent("out", "h", "m", "/x"))


async def test_a_request_counts_on_the_day_it_leaves(desk: Desk) -> None:
    sent = Sent("out", "h", "m", "/x", at=NOON - timedelta(days=3))
    sent.number = await desk.audit.begin(sent)
    assert sent.at == NOON
    desk.now += timedelta(days=1)
    sent.tokens_out = 7
    await desk.audit.end(sent)
    assert (await desk.audit.today()).all.tokens == 0
    desk.now = NOON
    assert (await desk.make().today()).all.tokens == 7


async def test_unknown_prices_are_told_once(desk: Desk) -> None:
    desk.limit(cost_per_day=1.0)
    await desk.send(10)
    await desk.send(10)
    assert [warning.key_used for warning in desk.warnings] == ["error.remote.unpriced"]
    assert "{" not in desk.warnings[0].message("tr")
