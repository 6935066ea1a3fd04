"""`make demo`: ghost text in the terminal.

Speaks to `ide-agent lsp` over stdio exactly as an editor would: opens a sample, asks for a suggestion at its
end, and prints the suggestion as it streams, with its timings.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient
from rich.console import Console
from rich.syntax import Syntax

from ide_agent.locale import language
from ide_agent.terminal import text as say

SAMPLE = Path(__file__).parent.parent / "samples" / "shop" / "prices.py"
PATIENCE = 60.0  # seconds for a suggestion to grow on
console = Console(highlight=False)


class Editor(LanguageClient):
    """The thinnest editor: one document, one cursor."""

    def __init__(self) -> None:
        super().__init__("ide-agent-demo", "1")
        self.grown: asyncio.Queue[Any] = asyncio.Queue()

        @self.feature("ideAgent/inlineCompletion/more")
        def more(params: Any) -> None:
            self.grown.put_nowait(params)

        @self.feature("ideAgent/status")
        def status(params: Any) -> None:
            if message := getattr(params, "message", None):
                console.print(f"[dim]{message}[/dim]")

        @self.feature(types.WINDOW_SHOW_MESSAGE)
        def message(params: types.ShowMessageParams) -> None:
            console.print(f"[yellow]{params.message}[/yellow]")

    async def open(self, file: Path, text: str) -> types.Position:
        """Start the server and open `file` with `text` in it; returns the position at its end."""
        await self.start_io(sys.executable, "-m", "ide_agent", "lsp")
        await self.initialize_async(
            types.InitializeParams(
                capabilities=types.ClientCapabilities(
                    experimental={"ideAgent": {"inlineCompletionMore": True, "status": True}}
                ),
                locale=language(),
                workspace_folders=[types.WorkspaceFolder(file.parent.as_uri(), file.parent.name)],
            )
        )
        self.initialized(types.InitializedParams())
        self.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(file.as_uri(), "python", 1, text))
        )
        lines = text.split("\n")
        return types.Position(len(lines) - 1, len(lines[-1]))

    async def suggest(
        self, file: Path, position: types.Position, kind: types.InlineCompletionTriggerKind
    ) -> types.InlineCompletionItem | None:
        """Ask for a suggestion, as if the user had pressed the key for it or paused."""
        answer = await self.text_document_inline_completion_async(
            types.InlineCompletionParams(
                context=types.InlineCompletionContext(kind),
                text_document=types.TextDocumentIdentifier(file.as_uri()),
                position=position,
            )
        )
        items = answer.items if isinstance(answer, types.InlineCompletionList) else answer or []
        return items[0] if items else None

    async def growth(self, completion_id: str, patience: float = PATIENCE) -> AsyncIterator[str]:
        """The whole suggestion each time that it has grown, until it is done.

        Raises:
            TimeoutError: it does not grow on for so many seconds.
        """
        done = False
        while not done:
            news = await asyncio.wait_for(self.grown.get(), patience)
            if news.completionId == completion_id:
                done = news.done
                yield news.insertText

    async def close(self) -> None:
        """Leave as an editor does."""
        await self.shutdown_async(None)
        self.exit(None)
        await self.stop()


async def main() -> int:
    """Run the demonstration; 0 when a suggestion came."""
    editor = Editor()
    began = time.perf_counter()
    source = SAMPLE.read_text(encoding="utf-8")
    position = await editor.open(SAMPLE, source + "    ")
    console.print(f"[dim]{say('demo.answered', time=_ms(began))}[/dim]\n")
    console.print(Syntax(source.rstrip(), "python", theme="ansi_dark"))

    asked = time.perf_counter()
    item = await editor.suggest(SAMPLE, position, types.InlineCompletionTriggerKind.Invoked)
    if item is None:
        console.print(f"[red]{say('demo.none')}[/red]")
        await editor.close()
        return 1
    text = str(item.insert_text)
    console.print(f"    [green]{text}[/green]", end="")
    first = _ms(asked)
    about = item.command.arguments[0] if item.command and item.command.arguments else {"done": True}
    if not about["done"]:
        try:
            async for longer in editor.growth(about["completionId"]):
                console.print(f"[green]{longer.removeprefix(text)}[/green]", end="")
                text = longer
        except TimeoutError:
            console.print(f"\n\n[red]{say('demo.stuck', seconds=round(PATIENCE))}[/red]")
            await editor.close()
            return 1
    console.print(f"\n\n[dim]{say('demo.timings', first=first, all=_ms(asked))}[/dim]")

    asked = time.perf_counter()
    await editor.suggest(SAMPLE, position, types.InlineCompletionTriggerKind.Automatic)
    console.print(f"[dim]{say('demo.cached', time=_ms(asked))}[/dim]")
    await editor.close()
    return 0


def _ms(since: float) -> str:
    return f"{(time.perf_counter() - since) * 1000:.0f} ms"


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
