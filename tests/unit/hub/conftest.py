"""Loopback without proxies and certificates, and pip without this machine's settings."""

from __future__ import annotations

import os
import ssl
from types import SimpleNamespace

import pytest

from ide_agent.features.hub import download


@pytest.fixture(autouse=True)
def plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(("PIP_", "UV_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    bare = ssl.SSLContext(
        ssl.PROTOCOL_TLS_CLIENT
    )  # loading the system's certificates takes longer than a test
    monkeypatch.setattr(download, "trust", SimpleNamespace(context=lambda _: bare))
