"""How far a pull is, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import typer

from ide_agent.locale import language

if TYPE_CHECKING:
    from ide_agent.features.hub.progress import Progress, Report


@contextmanager
def shown_progress(name: str) -> Iterator[Report]:
    """A bar on a terminal; elsewhere a line at each turn of events and every ten percent."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines().report
        return
    from rich import progress as bars

    from ide_agent.features.hub.words import describe

    columns = (
        bars.SpinnerColumn(),
        bars.TextColumn("{task.fields[label]}"),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TextColumn("{task.description}"),
    )
    bar = bars.Progress(*columns, console=console, transient=True)
    task = bar.add_task("", total=None, label=name)

    with ExitStack() as shown:

        def report(progress: Progress) -> None:
            words = describe(progress.as_wire(), language())
            bar.update(task, description=words, completed=progress.done, total=progress.total or None)
            if not bar.live.is_started:  # a model that is here already needs no bar
                shown.enter_context(bar)

        yield report


class Lines:
    """Progress for logs and pipes: a line at each turn of events and every ten percent."""

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None
        self._line = ""

    def report(self, progress: Progress) -> None:
        """Print `progress` to the error output unless it is much like the last one."""
        from ide_agent.features.hub.words import describe

        now = (progress.phase, (progress.percent or 0) // 10)
        if progress.phase == "resolve" and self._last is not None:
            return  # where the other files are nobody needs to hear
        line = describe(progress.as_wire(), language())
        if now != self._last and line != self._line:
            self._last, self._line = now, line
            typer.echo(line, err=True)
