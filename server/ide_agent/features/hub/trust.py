"""Which certificates a download trusts: the system's, certifi's, and those the user's installer is told to trust."""

from __future__ import annotations

import contextlib
import os
import ssl
from pathlib import Path

import certifi

_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def context(ca_file: Path | None = None) -> ssl.SSLContext:
    """A verifying TLS context that also trusts `ca_file`. A file that cannot be read is left out."""
    made = ssl.create_default_context()
    for file in (certifi.where(), *(os.environ.get(name) for name in _VARIABLES), ca_file):
        if file:
            with contextlib.suppress(OSError):
                made.load_verify_locations(file)
    if folder := os.environ.get("SSL_CERT_DIR"):
        with contextlib.suppress(OSError):
            made.load_verify_locations(capath=folder)
    return made
