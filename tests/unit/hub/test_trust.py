"""Certificates."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest

from ide_agent.features.hub import trust


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def _one_certificate(folder: Path) -> Path:
    text = Path(certifi.where()).read_text()
    end = "-----END CERTIFICATE-----"
    file = folder / "one.pem"
    file.write_text(text[text.index("-----BEGIN") : text.index(end) + len(end)] + "\n")
    return file


def test_certificates_are_checked() -> None:
    made = trust.context()
    assert made.verify_mode == ssl.CERT_REQUIRED
    assert made.check_hostname
    assert made.cert_store_stats()["x509_ca"] > 50


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_named_files_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *_, **files: loaded.extend(files.values())
    )
    named, given = _one_certificate(tmp_path), tmp_path / "given.pem"
    monkeypatch.setenv(variable, str(named))
    trust.context(given)
    assert {str(named), str(given)} <= set(loaded)


def test_a_file_that_is_missing_is_left_out(tmp_path: Path) -> None:
    assert trust.context(tmp_path / "missing.pem").verify_mode == ssl.CERT_REQUIRED
