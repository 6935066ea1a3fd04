"""The part of scripts/demo.py that waits; the rest is what the e2e tests do with real editors."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ide_agent import terminal

DEMO = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "demo.py"))
Editor = DEMO["Editor"]


def news(completion_id: str, text: str, *, done: bool) -> Any:
    return SimpleNamespace(completionId=completion_id, insertText=text, done=done)


async def test_only_the_growth_of_its_own_suggestion_counts() -> None:
    editor = Editor()
    for one in (
        news("c1", "other", done=True),
        news("c2", "a", done=False),
        news("c1", "late", done=True),
        news("c2", "ab", done=True),
        news("c2", "never", done=True),
    ):
        editor.grown.put_nowait(one)
    assert [text async for text in editor.growth("c2")] == ["a", "ab"]


async def test_a_suggestion_that_never_ends_is_given_up() -> None:
    editor = Editor()
    editor.grown.put_nowait(news("c2", "a", done=False))
    got = []
    with pytest.raises(TimeoutError):
        async for text in editor.growth("c2", patience=0.01):
            got.append(text)
    assert got == ["a"]


async def test_it_speaks_the_users_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Mute:
        async def open(self, *_: object) -> None: ...
        async def suggest(self, *_: object) -> None: ...
        async def close(self) -> None: ...

    monkeypatch.setattr(terminal, "language", lambda: "tr")
    monkeypatch.setitem(DEMO["main"].__globals__, "Editor", Mute)
    assert await DEMO["main"]() == 1
    out = capsys.readouterr().out
    assert "dil sunucusu" in out
    assert "öneri gelmedi" in out
