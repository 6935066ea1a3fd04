"""Pulls the model ``tiny`` of `support.package_index` in a process of its own, with the real pip.

Run as ``python pull_child.py MODELS_FOLDER``; prints each phase that is new.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ide_agent.features.hub.download import Policy
from ide_agent.features.hub.progress import Progress
from ide_agent.features.hub.service import Hub

sys.path.insert(0, str(Path(__file__).parent.parent))
from support.package_index import entry


def main() -> None:
    """Pull, and report to the output."""
    last = ""

    def report(progress: Progress) -> None:
        nonlocal last
        if progress.phase != last:
            last = progress.phase
            print(progress.phase, progress.done, flush=True)

    hub = Hub(Path(sys.argv[1]), entries={"tiny": entry()}, policy=Policy(first_wait=0.01))
    print("ready", asyncio.run(hub.pull("tiny", report)).size, flush=True)


if __name__ == "__main__":
    main()
