"""The host's SQLite database: one file, one thread, short transactions."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ide_agent.errors import IdeAgentError
from ide_agent.reasons import reason, reason_of

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)
T = TypeVar("T")
HEAD = "0003"
"""The newest migration. A file that has it is opened without importing Alembic, which takes long."""
_SIDE_FILES = ("", "-wal", "-shm")


class StorageError(IdeAgentError):
    """The database cannot be used as it is."""

    key = "error.storage.unavailable"
    http_status = 503


class Database:
    """SQLAlchemy sessions on a thread of their own, so that the event loop never waits for the disk.

    One thread also means one writer: nothing in this process ever meets "database is locked".
    """

    def __init__(self, path: Path) -> None:
        """`path`: the database file; it and its folder are created by `open`."""
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._engine: Engine | None = None
        self._failure: StorageError | None = None
        self._notice: StorageError | None = None

    @property
    def problem(self) -> StorageError | None:
        """What a person should know: the database was moved aside, or cannot be used at all."""
        return self._failure or self._notice

    def open(self) -> asyncio.Future[None]:
        """Bring the file to the newest schema. Begins at once; what `run` is given meanwhile waits for it.

        A file that is corrupt or that a newer version wrote is moved aside and a fresh one begun; `problem`
        says so.
        """
        return self._call(self._open)

    async def run(self, work: Callable[[Session], T]) -> T:
        """`work(session)` in one transaction: committed when it returns, rolled back when it raises.

        Objects that leave the session are detached with their values loaded.

        Raises:
            StorageError: the database cannot be opened or written.
        """
        return await self._call(lambda: self._transaction(work))

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        await self._call(self._close)
        self._thread.shutdown()

    def _call(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _transaction(self, work: Callable[[Session], T]) -> T:
        from sqlalchemy.exc import DatabaseError
        from sqlalchemy.orm import Session

        if self._engine is None:
            raise self._failure or StorageError(file=str(self.path), reason=reason("not_open"))
        try:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                return work(session)
        except DatabaseError as failure:
            raise StorageError(file=str(self.path), reason=reason_of(failure.orig or failure)) from failure

    def _open(self) -> None:
        try:
            self._prepare()
            try:
                self._engine = _migrated(self.path)
            except _Unusable as problem:
                aside = _move_aside(self.path, problem.why)
                self._notice = StorageError(
                    f"error.storage.{problem.why}", file=str(self.path), aside=str(aside)
                )
                log.error("%s", self._notice)
                self._prepare()
                self._engine = _migrated(self.path)
        except Exception as failure:
            self._failure = StorageError(
                file=str(self.path), reason=reason_of(getattr(failure, "orig", None) or failure)
            )
            log.error("%s", self._failure)

    def _prepare(self) -> None:
        """An empty file that only its owner can read; SQLite gives its side files the same mode."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


class _Unusable(Exception):
    """The file must make room. `why`: ``corrupt`` or ``newer``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def _migrated(path: Path) -> Engine:
    """An engine on `path` after all migrations.

    Raises:
        _Unusable: corrupt, or from a newer version.
    """
    from sqlalchemy.exc import DatabaseError

    engine = _engine(path)
    try:
        if _revision(engine) != HEAD:
            _upgrade(engine)
    except BaseException as failure:
        engine.dispose()
        if isinstance(failure, DatabaseError):
            code = getattr(failure.orig, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise _Unusable("corrupt") from failure
        raise
    return engine


def _revision(engine: Engine) -> str | None:
    """The last migration that was run on a sound file; None for an empty one.

    Raises:
        _Unusable: it is not sound.
    """
    from sqlalchemy import inspect, text

    with engine.connect() as connection:
        if connection.scalar(text("PRAGMA quick_check(1)")) != "ok":
            raise _Unusable("corrupt")
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return None if revision is None else str(revision)


def _engine(path: Path) -> Engine:
    from sqlalchemy import URL, create_engine, event

    engine = create_engine(URL.create("sqlite", database=str(path)))

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        # The driver's own BEGIN comes late and not before DDL; SQLAlchemy's events send it instead.
        connection.isolation_level = None
        for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _upgrade(engine: Engine) -> None:
    """Run the migrations that are missing, all or none.

    Raises:
        _Unusable: the file has one that we do not know.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "ide_agent.storage:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if _revision(engine) not in {None, *known}:
        raise _Unusable("newer")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _move_aside(path: Path, why: str) -> Path:
    """Rename the database and its side files; never deletes anything."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.stem}.{why}-{stamp}{path.suffix}")
    count = 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{path.stem}.{why}-{stamp}-{count}{path.suffix}")
    for suffix in _SIDE_FILES:
        side = Path(f"{path}{suffix}")
        if side.exists():
            side.rename(f"{aside}{suffix}")
    return aside
