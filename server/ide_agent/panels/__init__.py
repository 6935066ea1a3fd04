"""Panels: lists of typed blocks, written once, drawn by every editor and by the browser."""

from __future__ import annotations

from ide_agent.panels.blocks import PanelEvent, PanelPatch, PanelState
from ide_agent.panels.panel import Caution, Panel
from ide_agent.panels.service import Panels

__all__ = ["Caution", "Panel", "PanelEvent", "PanelPatch", "PanelState", "Panels"]
