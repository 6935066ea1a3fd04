"""Storms of requests, edits and cancellations on the real model leave nothing behind."""

import asyncio
import gc
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings

from ide_agent import runtime
from ide_agent.editor.server import EditorServer
from ide_agent.paths import models_dir
from support.editor import Editor, RpcError, attached
from support.host_process import clean_home, processes_of, wait_for

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

TEXT = '"""Numbers."""\n\n\ndef double(number):\n    return number * 2\n\n\ndef halve(number):\n    '
PATIENCE_S = 300
CANCELLED = -32800
# What 1,000 requests may add, caches that fill included; three times what was measured, and much less than
# something that is left behind by each of them.
HOST_BYTES = 4 << 20
ENGINE_BYTES = 32 << 20
OBJECTS = 3000
OBJECTS_OF_A_KIND = 250
OURS = ("ide_agent", "lsprotocol", "pygls", "asyncio", "_asyncio")

# The host as it is, and a way to look into its engines.
HOST = """
from ide_agent.host import lifecycle

class Services(lifecycle.Services):
    def __init__(self, *given):
        super().__init__(*given)

        @self.app.get("/test/slots")
        async def slots():
            engines = list(self.inference._memory.engines.values())
            return [slot for engine in engines for slot in await engine.request("GET", "/slots")]

lifecycle.Services = Services
lifecycle.run()
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("[completion]\nprompt_tokens = 256\n")
    with pytest.MonkeyPatch.context() as patch, clean_home(tmp_path):
        patch.setenv("IDE_AGENT_MODELS", str(models_dir()))
        patch.setenv("IDE_AGENT_HOME", str(tmp_path))
        with subprocess.Popen([sys.executable, "-c", HOST], env=os.environ) as host:
            try:
                wait_for(runtime.find_host, "the host")
                yield tmp_path
            finally:
                host.terminate()


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


@pytest.fixture
def dice() -> random.Random:
    """The same in each run that decides on a change; thrown anew in all others, and told where one fails."""
    seed = 11 if settings().derandomize else random.SystemRandom().randrange(1 << 32)
    print(f"the seed of this storm: {seed}")
    return random.Random(seed)


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
    return [outcome(each) for each in ended]


def outcome(ended: Any) -> str:
    """What became of a request; no other error than that it was cancelled is one."""
    if isinstance(ended, RpcError) and ended.code == CANCELLED:
        return "cancelled"
    if isinstance(ended, BaseException):
        raise ended
    return "answered" if ended and ended["items"] else "empty"


async def answers(editor: Editor, uri: str) -> bool:
    """Whether a suggestion comes for a document that nobody has seen yet."""
    editor.open(uri, TEXT)
    position = {"line": 8, "character": 4}
    asked = {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1}}
    _, future = editor.begin("textDocument/inlineCompletion", asked)
    return outcome(await asyncio.wait_for(future, PATIENCE_S)) == "answered"


async def settled() -> None:
    """Wait until the host has no request and its engine no slot that computes."""
    info = runtime.read()  # not `ensure_host`, which would replace a host that is too busy to answer
    assert info is not None
    async with httpx.AsyncClient(
        base_url=info.url, headers=info.headers, trust_env=False, timeout=PATIENCE_S
    ) as host:
        async with asyncio.timeout(PATIENCE_S):
            while any(engine["busy"] for engine in (await host.get("/status")).json()["engines"]):
                await asyncio.sleep(0.05)
            while any(slot["is_processing"] for slot in await slots(host)):
                await asyncio.sleep(0.05)


async def slots(host: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The engine's own word."""
    found: list[dict[str, Any]] = (await host.get("/test/slots")).raise_for_status().json()
    assert found, "no engine is loaded"
    return found


async def quiet(most: int) -> None:
    """Wait until at most so many tasks run in this process."""
    async with asyncio.timeout(60):
        while len(asyncio.all_tasks()) > most:
            await asyncio.sleep(0.05)


def memory(home: Path) -> tuple[int, int]:
    """Bytes of the host process, and of the engine."""
    host = runtime.read()
    assert host is not None
    sizes = {process.pid: process.memory_info().rss for process in processes_of(home)}
    own = sizes.pop(host.pid)
    assert len(sizes) == 1, "one engine is all there is besides"
    return own, sum(sizes.values())


def objects() -> Counter[str]:
    """How many there are of each kind of ours, and, under "all", of all kinds."""
    gc.collect()
    everything = gc.get_objects()
    kinds = Counter(
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in map(type, everything)
        if str(kind.__module__).partition(".")[0] in OURS
    )
    return kinds + Counter(all=len(everything))


async def test_a_storm_leaves_no_task_no_slot_and_no_memory_behind(
    editors: list[Editor], home: Path, dice: random.Random
) -> None:
    assert await answers(editors[0], "file:///storm/before.py")
    await storm(editors, 100, dice)
    await settled()
    tasks, before = len(asyncio.all_tasks()), objects()
    host, engine = memory(home)

    ends = await storm(editors, 1000, dice)
    assert len(ends) == 1000
    assert "cancelled" in ends

    assert await answers(editors[1], "file:///storm/after.py")
    await settled()
    await quiet(tasks)
    host_now, engine_now = memory(home)
    assert host_now - host < HOST_BYTES
    assert engine_now - engine < ENGINE_BYTES
    more = objects() - before
    assert more.pop("all", 0) < OBJECTS
    assert {kind: count for kind, count in more.items() if count >= OBJECTS_OF_A_KIND} == {}
