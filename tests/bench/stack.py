"""What is measured: our processes as an editor starts them, and the bare engine beside them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ide_agent.inference import ModelStore
from ide_agent.inference.backends.xllamacpp import Xllamacpp
from ide_agent.paths import models_dir
from support.editor import Editor

from . import tap

ROOT = Path(__file__).parents[2]
BARE = Path(__file__).with_name("bare_engine.py")
PATIENCE_S = 600.0
QUIET = "[completion]\nprefetch = false\n"
SAME_ENGINE = QUIET + '[inference]\nengine = "xllamacpp"\n'
"""Settings under which our engine is the one that is run bare."""


def starter() -> Path:
    """The model that everything is measured on."""
    return ModelStore(models_dir()).find("starter").file


@dataclass
class Stack:
    """Our lsp process with a client at its stdin, and its host."""

    editor: Editor
    host: httpx.AsyncClient
    versions: dict[str, int] = field(default_factory=dict)

    def open(self, uri: str, text: str, language: str = "python") -> None:
        """Open a document, anew if it is open."""
        if uri in self.versions:
            self.editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        self.versions[uri] = 1
        self.editor.open(uri, text, language)

    def change(self, uri: str, text: str) -> None:
        """Replace the whole text."""
        self.versions[uri] += 1
        self.editor.change(uri, self.versions[uri], {"text": text})

    def insert(self, uri: str, line: int, character: int, text: str) -> None:
        """Type `text`."""
        self.versions[uri] += 1
        at = {"line": line, "character": character}
        self.editor.change(uri, self.versions[uri], {"range": {"start": at, "end": at}, "text": text})

    async def ask(
        self, uri: str, line: int, character: int, *, invoked: bool = True
    ) -> dict[str, Any] | None:
        """The first suggestion, or None."""
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": character},
            "context": {"triggerKind": 1 if invoked else 2},
        }
        _, answer = self.editor.begin("textDocument/inlineCompletion", params)
        result = await asyncio.wait_for(answer, PATIENCE_S)
        items = result["items"] if result else []
        return items[0] if items else None


@asynccontextmanager
async def stack(*, settings: str = "", tapped: bool = False) -> AsyncIterator[Stack]:
    """Our processes in a home of their own. `tapped`: the host has the plugin of `tap`."""
    with tempfile.TemporaryDirectory() as home:
        config = Path(home) / "config"
        config.mkdir()
        (config / "config.toml").write_text(settings)
        environment = {**os.environ, "IDE_AGENT_HOME": home, "IDE_AGENT_MODELS": str(models_dir())}
        if tapped:
            tap.entry(Path(home))
            environment["PYTHONPATH"] = os.pathsep.join([home, str(ROOT), *sys.path])
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ide_agent", "lsp",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        assert process.stdin and process.stdout
        editor = Editor(process.stdout, process.stdin.write)
        try:
            experimental = {"ideAgent": {"inlineCompletionMore": True}}
            await editor.initialize({"experimental": experimental})
            runtime = Path(home) / "state" / "host.json"
            await _until(runtime.exists)
            info = json.loads(runtime.read_text())
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{info['port']}",
                headers={"Authorization": f"Bearer {info['token']}"},
                timeout=PATIENCE_S,
                trust_env=False,
                limits=httpx.Limits(max_connections=None),
            ) as host:
                yield Stack(editor, host)
                await host.post("/shutdown")
        finally:
            await editor.close()
            process.stdin.close()
            await process.wait()


@asynccontextmanager
async def bare_engine(*arguments: str) -> AsyncIterator[httpx.AsyncClient]:
    """xllamacpp's server as its package ships it, with nothing of ours before or around it.

    Its threads wait as those of our engine do: two engines take turns on the same cores here, and threads
    that spin would slow the other one.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(BARE), str(starter()), *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **Xllamacpp().environment()},
    )  # fmt: skip
    assert process.stdin and process.stdout
    try:
        address = (await process.stdout.readline()).decode().strip()
        async with httpx.AsyncClient(
            base_url=address,
            timeout=PATIENCE_S,
            trust_env=False,
            limits=httpx.Limits(max_connections=None),
        ) as client:
            yield client
    finally:
        process.stdin.close()
        await process.wait()


async def first_line(
    client: httpx.AsyncClient, path: str, payload: dict[str, Any]
) -> tuple[float, float, str]:
    """Milliseconds to the first whole line and to the end of a streamed answer, and its text.

    Speaks both dialects: llama-server's ``/completion`` and our host's.
    """
    began = time.perf_counter()
    first: float | None = None
    text = ""
    async with client.stream("POST", path, json=payload) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if not line.startswith("data: {"):
                continue
            event = json.loads(line[6:])
            text += event.get("content") or event.get("text") or ""
            if first is None and "\n" in text.lstrip("\n"):
                first = (time.perf_counter() - began) * 1000
    whole = (time.perf_counter() - began) * 1000
    return (whole if first is None else first), whole, text


async def _until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.02)


def real_files(root: Path, suffix: str, *, lines: tuple[int, int], count: int) -> list[Path]:
    """`count` source files of `root` with `lines` lines, spread evenly over the sorted list."""
    fitting = []
    for file in sorted(root.rglob(f"*{suffix}")):
        if {"test", "tests", "site-packages", "idlelib", "__pycache__"} & set(file.relative_to(root).parts):
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        length = text.count("\n")
        if lines[0] <= length <= lines[1] and len(text) < 120 * length:
            fitting.append(file)
    step = max(1, len(fitting) // count)
    return fitting[::step][:count]


def workspace(files: list[Path]) -> tempfile.TemporaryDirectory[str]:
    """Copies of `files` in a folder of their own."""
    folder = tempfile.TemporaryDirectory()
    for file in files:
        shutil.copy(file, Path(folder.name) / file.name)
    return folder
