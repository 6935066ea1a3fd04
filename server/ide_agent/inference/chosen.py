"""Which models answer where nobody names one, as somebody chose or as it was before another one came.

Noted in the models folder itself: whoever uses that folder has the same defaults.
"""

from __future__ import annotations

import json
from pathlib import Path

from filelock import FileLock

from ide_agent.inference.header import Purpose

NAME = ".defaults.json"
_LOCK_SECONDS = 5.0  # it is held for a moment


def chosen(folder: Path) -> dict[str, str]:
    """Name of the model for each purpose for which one was noted; it may have been removed since."""
    try:
        found = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    noted = found.items() if isinstance(found, dict) else ()
    return {purpose: name for purpose, name in noted if isinstance(name, str)}


def choose(folder: Path, purpose: Purpose, name: str) -> None:
    """From now on the model called `name` is the default one for `purpose`, in one step.

    Raises:
        OSError: it cannot be noted.
    """
    if chosen(folder).get(purpose) == name:
        return
    with FileLock(folder / f"{NAME}.lock", timeout=_LOCK_SECONDS):  # the shell may choose as well
        draft = folder / f"{NAME}.new"
        draft.write_text(json.dumps({**chosen(folder), purpose: name}), encoding="utf-8")
        draft.replace(folder / NAME)
