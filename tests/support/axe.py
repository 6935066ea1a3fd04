"""What axe finds wrong with a page, for those who see, hear or move otherwise."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from support.vscode import ROOT

_AXE = ROOT / "clients" / "web" / "node_modules" / "axe-core" / "axe.min.js"
THEMES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "light contrast": {"color_scheme": "light", "contrast": "more"},
    "dark contrast": {"color_scheme": "dark", "contrast": "more"},
    "forced": {"color_scheme": "dark", "forced_colors": "active"},
}
"""Options of a browser's context by what its user has chosen."""


def faults(page: Page) -> list[str]:
    """What axe finds serious or critical. The page's policy would not let it in as a script element."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run()")
    return [
        f"{fault['id']}: {node['html']} {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
