from __future__ import annotations

import asyncio
import subprocess
import sys

from ide_agent.editor.lifecycle import watch_process
from support.editor import PATIENCE


async def test_the_end_of_a_process_is_noticed() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    ended = asyncio.Event()
    task = asyncio.create_task(watch_process(child.pid, ended.set))
    await asyncio.sleep(0)
    assert not ended.is_set()
    child.kill()
    await asyncio.wait_for(ended.wait(), PATIENCE)
    await task
    child.communicate()


async def test_a_process_that_cannot_be_seen_is_not_watched() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    ended = asyncio.Event()
    await asyncio.wait_for(watch_process(child.pid, ended.set), PATIENCE)
    assert not ended.is_set()
