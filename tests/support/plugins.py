"""Plugins as pip would have installed them."""

from __future__ import annotations

from pathlib import Path

from ide_agent.hooks import GROUP


def install(folder: Path, **sources: str) -> None:
    """Make `folder`, once it is on the path, a place with these plugins, by name."""
    meta = folder / "test_plugins-1.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: test-plugins\nVersion: 1\n")
    entries = "".join(f"{name} = {folder.name}_{name}\n" for name in sources)
    (meta / "entry_points.txt").write_text(f"[{GROUP}]\n{entries}")
    for name, source in sources.items():
        (folder / f"{folder.name}_{name}.py").write_text(source)
