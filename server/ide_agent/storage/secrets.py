"""Keys and tokens: in the system's keyring, or, where there is none, in a file that only the user can read.

Every call may wait for the keyring, which may ask the user to unlock it: not for an event loop.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ide_agent.errors import IdeAgentError
from ide_agent.paths import data_dir

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_SENDABLE = re.compile(r"[!-~]*")
_SERVICE = "ide-agent"
Place = Literal["keyring", "file"]


class SecretError(IdeAgentError):
    """A secret can neither be stored in a keyring nor in a file."""

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
        """The secret called `name`, if there is one."""
        return self._read().get(name) or _from_keyring(name)

    def place(self, name: str) -> Place | None:
        """Where the secret called `name` is kept; None: nowhere."""
        if name in self._read():
            return "file"
        return "keyring" if _from_keyring(name) else None

    def set(self, name: str, secret: str) -> Place:
        """Keep `secret`, and say where.

        Raises:
            SecretError: it holds what no key holds.
            SecretError: there is no place for it.
        """
        secret = secret.strip()
        if not sendable(secret):
            raise SecretError("error.secret.unfit")
        if _into_keyring(name, secret):
            self._forget(name)
            return "keyring"
        self._write({**self._read(), name: secret})
        return "file"

    def remove(self, name: str) -> bool:
        """Forget the secret called `name`; whether there was one."""
        in_file = self._forget(name)
        return _out_of_keyring(name) or in_file

    def _forget(self, name: str) -> bool:
        kept = self._read()
        if kept.pop(name, None) is None:
            return False
        self._write(kept)
        return True

    def _read(self) -> dict[str, str]:
        try:
            kept = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(name): str(value) for name, value in kept.items()} if isinstance(kept, dict) else {}

    def _write(self, kept: dict[str, str]) -> None:
        """Whole or not at all; never, not for a moment, readable by others."""
        fresh = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                json.dump(kept, stream)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(self.file)
        except OSError as failure:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise SecretError(
                file=str(self.file), reason=failure.strerror or type(failure).__name__
            ) from None


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
    with suppress(Exception):  # locked, or out of reach
        return ring.get_password(_SERVICE, name) if ring is not None else None
    return None


def _into_keyring(name: str, secret: str) -> bool:
    """Whether the keyring has it now."""
    ring = _keyring()
    if ring is None:
        return False
    try:
        ring.set_password(_SERVICE, name, secret)
        return ring.get_password(_SERVICE, name) == secret
    except Exception:  # no desktop to unlock it on, for example
        return False


def _out_of_keyring(name: str) -> bool:
    ring = _keyring()
    with suppress(Exception):
        if ring is not None and ring.get_password(_SERVICE, name) is not None:
            ring.delete_password(_SERVICE, name)
            return True
    return False
