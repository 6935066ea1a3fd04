"""A keyring that keeps secrets in memory."""

from __future__ import annotations

import keyring.backend
import keyring.core
import keyring.errors
import pytest


class Ring(keyring.backend.KeyringBackend):
    """Keeps secrets in memory; `locked`: keeps nothing and fails; `asked`: how often it was."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, locked: bool = False) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = locked
        self.asked = 0

    def _open(self) -> None:
        self.asked += 1
        if self.locked:
            raise keyring.errors.KeyringLocked

    def get_password(self, service: str, username: str) -> str | None:
        self._open()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._open()
        del self.kept[service, username]


def use(monkeypatch: pytest.MonkeyPatch, ring: keyring.backend.KeyringBackend) -> None:
    """Make `ring` the keyring of this process."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", ring)
