"""Which certificates a download trusts: the system's, certifi's, and those that the installer trusts."""

from __future__ import annotations

import contextlib
import os
import ssl
from pathlib import Path

import httpx

_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def context(ca_file: Path | None = None) -> ssl.SSLContext:
    """A verifying TLS context that also trusts `ca_file`. A file that cannot be read is left out.

    OpenSSL itself follows SSL_CERT_FILE and SSL_CERT_DIR.
    """
    made = httpx.create_ssl_context(trust_env=False)
    made.load_default_certs()
    named = [*(os.environ.get(name, "") for name in _VARIABLES), str(ca_file or "")]
    known = os.path.realpath(ssl.get_default_verify_paths().cafile or "")
    for file in {os.path.realpath(name) for name in named if name} - {known}:
        with contextlib.suppress(OSError):
            if Path(file).is_dir():
                made.load_verify_locations(capath=file)
            else:
                made.load_verify_locations(cafile=file)
    return made
