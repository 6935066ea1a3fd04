"""Keys and tokens: in the system's keyring, or, where there is none, in a file that only the user can read.

Every call may wait for the keyring, which may ask the user to unlock it: not for an event loop.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Literal

from ide_agent.errors import IdeAgentError
from ide_agent.paths import data_dir
from ide_agent.reasons import kind_of, reason_of

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_LOCK_SECONDS = 10.0
_SENDABLE = re.compile(r"[!-~]*")
_SERVICE = "ide-agent"
Place = Literal["keyring", "file"]


class SecretError(IdeAgentError):
    """A secret cannot be stored, or cannot be had."""

    key = "error.secret.unwritable"
    http_status = 500


class Secrets:
    """All of them, by name.

    Args:
        file: takes what no keyring takes.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = data_dir() / "secrets.json" if file is None else file

    def get(self, name: str) -> str | None:
        """The secret called `name`, if there is one.

        Raises:
            SecretError: the keyring is locked.
        """
        return self.kept(name)[0] or None

    def kept(self, name: str) -> tuple[str, str]:
        """The secret called `name` and whom it is for; empty where that is not known.

        Raises:
            SecretError: the keyring is locked.
        """
        found = self._read().get(name) or _from_keyring(name) or ""
        secret, _, audience = found.strip().partition(" ")
        return secret, audience

    def place(self, name: str) -> Place | None:
        """Where the secret called `name` is kept; None: nowhere, as far as can be told."""
        if name in self._read():
            return "file"
        with suppress(SecretError):
            return "keyring" if _from_keyring(name) else None
        return None

    def set(self, name: str, secret: str, audience: str = "") -> Place:
        """Keep `secret`, and say where.

        Args:
            name: to ask for it by.
            secret: visible ASCII.
            audience: whom alone it may be shown to.

        Raises:
            SecretError: it holds what no key holds, the keyring is locked, or there is no place for it.
        """
        secret = secret.strip()
        if not sendable(secret):
            raise SecretError("error.secret.unfit")
        value = f"{secret} {audience}" if audience else secret
        if _into_keyring(name, value):
            self._forget(name)
            return "keyring"
        with self._alone():
            self._write({**self._read(strict=True), name: value})
        return "file"

    def remove(self, name: str) -> bool:
        """Forget the secret called `name`; whether there was one.

        Raises:
            SecretError: the keyring is locked, or the file cannot be changed.
        """
        in_file = self._forget(name)
        return _out_of_keyring(name) or in_file

    def _forget(self, name: str) -> bool:
        if not self.file.exists():
            return False
        with self._alone():
            kept = self._read(strict=True)
            if kept.pop(name, None) is None:
                return False
            self._write(kept)
            return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process changes the file meanwhile."""
        from filelock import FileLock, Timeout

        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(self.file.with_name(f".{self.file.name}.lock"), mode=0o600)
            lock.acquire(timeout=_LOCK_SECONDS)
        except (OSError, Timeout) as failure:
            raise self._unwritable(failure) from None
        try:
            yield
        finally:
            lock.release()

    def _read(self, *, strict: bool = False) -> dict[str, str]:
        """What the file holds; `strict`: a file that cannot be read is an error, else it holds nothing."""
        try:
            if os.name == "posix" and self.file.stat().st_mode & 0o077:
                self.file.chmod(0o600)
            kept = json.loads(self.file.read_text(encoding="utf-8"))
            if not isinstance(kept, dict):
                raise ValueError
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            if strict:
                raise SecretError("error.secret.unreadable", file=str(self.file)) from None
            return {}
        return {str(name): str(value) for name, value in kept.items()}

    def _write(self, kept: dict[str, str]) -> None:
        """Whole or not at all; never, not for a moment, readable by others."""
        fresh: Path | None = None
        try:
            handle, name = mkstemp(prefix=f".{self.file.name}.", dir=self.file.parent)
            fresh = Path(name)
            with os.fdopen(handle, "w") as stream:
                json.dump(kept, stream)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(self.file)
        except OSError as failure:
            if fresh is not None:
                with suppress(OSError):
                    fresh.unlink(missing_ok=True)
            raise self._unwritable(failure) from None

    def _unwritable(self, failure: Exception) -> SecretError:
        return SecretError(file=str(self.file), reason=reason_of(failure))


def sendable(secret: str) -> bool:
    """Whether it can be sent in the head of a request: visible ASCII only."""
    return _SENDABLE.fullmatch(secret) is not None


def _keyring() -> KeyringBackend | None:
    """The system's keyring; None: there is none, or one that keeps nothing."""
    try:
        import keyring
        from keyring.backends import fail, null

        found = keyring.get_keyring()
    except Exception:  # whatever a backend finds missing on this system
        return None
    return None if isinstance(found, fail.Keyring | null.Keyring) else found


def _from_keyring(name: str) -> str | None:
    ring = _keyring()
    if ring is None:
        return None
    with _unlocked():
        return ring.get_password(_SERVICE, name)


def _into_keyring(name: str, secret: str) -> bool:
    """Whether the keyring has it now; False: there is none that keeps anything."""
    ring = _keyring()
    if ring is None:
        return False
    with _unlocked():
        ring.set_password(_SERVICE, name, secret)
        return ring.get_password(_SERVICE, name) == secret


def _out_of_keyring(name: str) -> bool:
    ring = _keyring()
    if ring is None:
        return False
    with _unlocked():
        if ring.get_password(_SERVICE, name) is None:
            return False
        ring.delete_password(_SERVICE, name)
        return True


@contextmanager
def _unlocked() -> Iterator[None]:
    """A keyring that is there but does not do what it should is locked: it is no empty one."""
    try:
        yield
    except Exception as failure:  # each backend has its own
        raise SecretError("error.secret.locked", reason=kind_of(failure)) from None
