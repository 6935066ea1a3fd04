import asyncio
import importlib
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Mapped, Session, mapped_column

from ide_agent.storage.database import HEAD, Database, StorageError
from ide_agent.storage.tables import Base


class Moment(Base):
    __tablename__ = "test_moment"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ide-agent.db"


@pytest.fixture
async def database(file: Path) -> AsyncIterator[Database]:
    database = Database(file)
    await database.open()
    yield database
    await database.close()


def names(session: Session) -> set[str]:
    return set(session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))


def asides(file: Path) -> list[str]:
    return sorted(p.name for p in file.parent.iterdir() if not p.name.startswith("ide-agent.db"))


async def test_fresh_file_has_the_tables(database: Database) -> None:
    assert {"completion_event", "alembic_version"} <= await database.run(names)
    assert database.problem is None


async def test_file_is_for_its_owner_only(database: Database, file: Path) -> None:
    await database.run(lambda s: s.execute(text("CREATE TABLE a (b)")))
    for part in file.parent.iterdir():
        assert stat.S_IMODE(part.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 5000), ("synchronous", 1)],
)
async def test_pragmas(database: Database, pragma: str, value: object) -> None:
    assert await database.run(lambda s: s.execute(text(f"PRAGMA {pragma}")).scalar()) == value


async def test_work_runs_off_the_event_loop_and_one_at_a_time(database: Database) -> None:
    threads = await asyncio.gather(*(database.run(lambda _: threading.get_ident()) for _ in range(20)))
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_failed_work_leaves_nothing_behind(database: Database) -> None:
    await database.run(lambda s: s.execute(text("CREATE TABLE a (b)")))

    def work(session: Session) -> None:
        session.execute(text("INSERT INTO a VALUES (1)"))
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await database.run(work)
    assert await database.run(lambda s: s.execute(text("SELECT count(*) FROM a")).scalar()) == 0


async def test_schema_changes_are_part_of_the_transaction(database: Database) -> None:
    def work(session: Session) -> None:
        session.execute(text("CREATE TABLE half_done (b)"))
        raise KeyError

    with pytest.raises(KeyError):
        await database.run(work)
    assert "half_done" not in await database.run(names)


async def test_points_in_time_come_back_in_utc(database: Database) -> None:
    there = datetime(2026, 3, 1, 12, 30, 15, 250, timezone(timedelta(hours=3)))

    def write(session: Session) -> None:
        Moment.__table__.create(session.connection())  # type: ignore[attr-defined]
        session.add(Moment(at=there))

    await database.run(write)
    found = await database.run(lambda s: s.query(Moment).one())
    assert found.at == there
    assert found.at.tzinfo is UTC
    with pytest.raises(StatementError, match="time zone"):
        await database.run(lambda s: s.add(Moment(at=datetime(2026, 1, 1))))


async def test_work_given_before_open_is_done_waits_for_it(file: Path) -> None:
    database = Database(file)
    opening = database.open()
    assert "completion_event" in await database.run(names)
    await opening
    await database.close()


async def test_opening_again_keeps_what_is_there(file: Path) -> None:
    for count in (0, 1):
        database = Database(file)
        await database.open()
        await database.run(
            lambda s: s.execute(
                text(
                    "INSERT INTO completion_event"
                    " (completion_id, at, kind, language, path_hash, model, text, lines)"
                    " VALUES ('c1', '2026-01-01', 'shown', 'python', '', 'm', 't', 1)"
                )
            )
        )
        found = await database.run(
            lambda s: s.execute(text("SELECT count(*) FROM completion_event")).scalar()
        )
        await database.close()
        assert found == count + 1
    assert asides(file) == []


@pytest.mark.parametrize("damage", ["not a database", "pages"])
async def test_corrupt_file_is_moved_aside_whole(file: Path, damage: str) -> None:
    if damage == "pages":
        database = Database(file)
        await database.open()
        await database.close()
        content = bytearray(file.read_bytes())
        content[4096:8192] = b"\xff" * 4096
    else:
        file.parent.mkdir()
        content = bytearray(
            b"this was never a database, but it is longer than a header of one hundred bytes" * 99
        )
    file.write_bytes(content)

    database = Database(file)
    await database.open()
    assert "completion_event" in await database.run(names)
    await database.close()

    (aside,) = asides(file)
    assert (file.parent / aside).read_bytes() == content
    assert database.problem is not None
    assert database.problem.key_used == "error.storage.corrupt"
    assert aside in database.problem.message("en")
    assert aside in database.problem.message("tr")


async def test_database_of_a_newer_version_is_moved_aside(file: Path) -> None:
    database = Database(file)
    await database.open()
    await database.run(lambda s: s.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    await database.close()

    database = Database(file)
    await database.open()
    assert (
        await database.run(lambda s: s.execute(text("SELECT version_num FROM alembic_version")).scalar())
        == HEAD
    )
    await database.close()

    (aside,) = asides(file)
    with sqlite3.connect(file.parent / aside) as old:
        assert old.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
    old.close()
    assert database.problem is not None
    assert database.problem.key_used == "error.storage.newer"


async def test_file_that_cannot_be_opened_is_an_error_each_time(file: Path) -> None:
    file.mkdir(parents=True)
    database = Database(file)
    await database.open()
    assert database.problem is not None
    for _ in range(2):
        with pytest.raises(StorageError) as caught:
            await database.run(names)
        assert caught.value.params["file"] == str(file)
    await database.close()


async def test_full_disk_is_told_as_a_storage_error(database: Database) -> None:
    def work(session: Session) -> None:
        session.execute(text("PRAGMA max_page_count = 1"))
        session.execute(text("CREATE TABLE big AS SELECT randomblob(1000000) AS b"))

    with pytest.raises(StorageError, match="full"):
        await database.run(work)


async def test_migrations_make_what_the_models_say(file: Path) -> None:
    for room in ("completion", "remote"):
        importlib.import_module(f"ide_agent.features.{room}.records")
    database = Database(file)
    await database.open()

    def differences(session: Session) -> list[Any]:
        def ours(thing: Any, name: str | None, kind: str, *_: Any) -> bool:
            return not (kind == "table" and str(name).startswith("test_"))

        context = MigrationContext.configure(session.connection(), opts={"include_object": ours})
        found: list[Any] = compare_metadata(context, Base.metadata)
        return found

    assert await database.run(differences) == []
    await database.close()


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "ide_agent.storage:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
