"""The package that brings the starter model, made anew around the model of this machine."""

from __future__ import annotations

import io
import zipfile

from ide_agent.features.hub.catalogue import Entry
from ide_agent.paths import models_dir

_PADDING = "padding"
_LOCAL, _CENTRAL = 30, 46  # bytes of a member's headers in a zip file, its name aside


def metadata(entry: Entry) -> bytes:
    """What it says of itself."""
    return f"Metadata-Version: 2.1\nName: {entry.source.package}\nVersion: {entry.source.version}\n".encode()


def stem(entry: Entry) -> str:
    """What the names of its files begin with."""
    return f"{entry.source.package.replace('-', '_')}-{entry.source.version}"


def starter_wheel(entry: Entry) -> bytes:
    """It, as long as the catalogue says of `entry`: a longer one is not taken."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.write(models_dir() / entry.name / entry.file, entry.source.member)
        wheel.writestr(f"{stem(entry)}.dist-info/METADATA", metadata(entry))
        wheel.writestr(f"{stem(entry)}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{stem(entry)}.dist-info/RECORD", "")
    lacks = entry.source.size - len(buffer.getvalue()) - _LOCAL - _CENTRAL - 2 * len(_PADDING)
    with zipfile.ZipFile(buffer, "a") as wheel:
        wheel.writestr(_PADDING, bytes(lacks))
    assert len(buffer.getvalue()) == entry.source.size
    return buffer.getvalue()
