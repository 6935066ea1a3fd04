"""Writes the JSON Schema of panels, where the clients' types come from. A test checks that it was run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from ide_agent.panels import PanelEvent, PanelPatch, PanelState

SCHEMA = Path(__file__).parent.parent / "clients" / "web" / "panel.schema.json"


class AsSent(GenerateJsonSchema):
    """What we send has all its fields, defaults too."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """No: each would become a type of its own."""
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        """What clients send may leave out what has a default."""
        return self.mode == "serialization" or super().field_is_required(field, total)


def schema() -> str:
    """The schema of what is sent (`PanelState`, `PanelPatch`) and what comes back (`PanelEvent`), as JSON."""
    _, content = models_json_schema(
        [(PanelState, "serialization"), (PanelPatch, "serialization"), (PanelEvent, "validation")],
        title="Panels",
        description="Written by scripts/panel_schema.py (`make reference`) from ide_agent.panels.blocks",
        schema_generator=AsSent,
    )
    roots = [{"$ref": f"#/$defs/{model.__name__}"} for model in (PanelState, PanelPatch, PanelEvent)]
    whole = {"$schema": GenerateJsonSchema.schema_dialect, **content, "anyOf": roots}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def main(file: Path = SCHEMA) -> None:
    """Write it to `file`."""
    file.write_text(schema(), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
