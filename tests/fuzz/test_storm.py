"""Storms of requests, edits and cancellations on the real model leave nothing behind."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from ide_agent import runtime
from ide_agent.editor.server import EditorServer
from ide_agent.paths import models_dir
from support.editor import Editor, attached
from support.host_process import clean_home, processes_of

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

TEXT = '"""Numbers."""\n\n\ndef double(number):\n    return number * 2\n\n\ndef halve(number):\n    '
PATIENCE_S = 300
GROWTH_BYTES = 48 * 1024 * 1024


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("[completion]\nprompt_tokens = 256\n")
    with pytest.MonkeyPatch.context() as patch, clean_home(tmp_path):
        patch.setenv("IDE_AGENT_MODELS", str(models_dir()))
        patch.setenv("IDE_AGENT_HOME", str(tmp_path))
        yield tmp_path


@pytest.fixture
async def editors(home: Path) -> AsyncIterator[list[Editor]]:
    """Two editors whose servers run in this process, so that their tasks can be counted."""
    async with AsyncExitStack() as stack:
        both = [await stack.enter_async_context(attached(EditorServer())) for _ in range(2)]
        for number, editor in enumerate(both):
            await editor.initialize({"experimental": {"ideAgent": {"inlineCompletionMore": True}}})
            for document in range(3):
                editor.open(f"file:///storm/{number}/{document}.py", TEXT)
        yield both


async def storm(editors: list[Editor], requests: int, dice: random.Random) -> list[str]:
    """Random requests, edits and cancellations; how each request ended."""
    versions = dict.fromkeys((n, d) for n in range(len(editors)) for d in range(3))
    running: list[tuple[Editor, int, asyncio.Future[object]]] = []
    text: dict[tuple[int, int], str] = {}
    for _ in range(requests):
        which = dice.choice(list(versions))
        editor, uri = editors[which[0]], f"file:///storm/{which[0]}/{which[1]}.py"
        if dice.random() < 0.6:
            text[which] = "".join(dice.choices("return number/2 xyz", k=dice.randrange(8)))
            versions[which] = (versions[which] or dice.randrange(10**6)) + 1
            editor.change(uri, versions[which] or 0, {"text": TEXT + text[which]})
        typed = 4 + len(text.get(which, ""))
        running.append(
            (
                editor,
                *editor.begin(
                    "textDocument/inlineCompletion",
                    {
                        "textDocument": {"uri": uri},
                        "position": {"line": 8, "character": typed},
                        "context": {"triggerKind": dice.choice([1, 2])},
                    },
                ),
            )
        )
        if dice.random() < 0.5:
            victim, request, _ = dice.choice(running[-10:])
            victim.notify("$/cancelRequest", {"id": request})
        if dice.random() < 0.3:
            await asyncio.sleep(dice.random() * 0.02)
    ended = await asyncio.wait_for(
        asyncio.gather(*(future for _, _, future in running), return_exceptions=True), PATIENCE_S
    )
    return ["cancelled" if isinstance(each, Exception) else "answered" for each in ended]


async def settled(home: Path) -> None:
    """Wait until the host has no request and its engine no busy slot."""
    info = runtime.read()  # not `ensure_host`, which would replace a host that is too busy to answer
    assert info is not None
    async with httpx.AsyncClient(base_url=info.url, headers=info.headers, trust_env=False) as host:
        async with asyncio.timeout(PATIENCE_S):
            while any(engine["busy"] for engine in (await host.get("/status")).json()["engines"]):
                await asyncio.sleep(0.05)


async def quiet(most: int) -> None:
    """Wait until at most so many tasks run in this process."""
    async with asyncio.timeout(60):
        while len(asyncio.all_tasks()) > most:
            await asyncio.sleep(0.05)


def memory(home: Path) -> int:
    """Bytes of the host process."""
    hosts = [p for p in processes_of(home) if "host" in p.cmdline()]
    return sum(psutil.Process(p.pid).memory_info().rss for p in hosts)


async def test_case_16_a_storm_leaves_no_task_no_slot_and_no_memory_behind(
    editors: list[Editor], home: Path
) -> None:
    dice = random.Random(11)
    assert "answered" in await storm(editors, 100, dice)
    await settled(home)
    gc.collect()
    tasks, before, objects = len(asyncio.all_tasks()), memory(home), len(gc.get_objects())

    ends = await storm(editors, 1000, dice)
    assert len(ends) == 1000
    assert {"answered", "cancelled"} == set(ends)

    await settled(home)
    await quiet(tasks)
    gc.collect()
    assert memory(home) - before < GROWTH_BYTES
    assert len(gc.get_objects()) - objects < 50_000
