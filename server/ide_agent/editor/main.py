"""`ide-agent lsp`: the process that an editor starts."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Coroutine, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

from ide_agent.paths import log_file

_LOG_BYTES = 2_000_000
_GRACE_SECONDS = 1.0
_QUIET = ("pygls", "httpcore", "asyncio")


def main(argv: Sequence[str]) -> NoReturn:
    """Serve one editor over stdio (or ``--tcp``), then leave."""
    options = _options(argv)
    set_up_logging(options.log_level)
    from ide_agent.editor.server import EditorServer
    from ide_agent.editor.transport import serve_stdio, serve_tcp

    def serve(server: EditorServer) -> Coroutine[Any, Any, int]:
        if options.tcp is not None:
            return serve_tcp(server, *options.tcp)
        if os.isatty(0):
            _tell_the_curious("editor.waits")
        # Nothing but messages may reach the client: what is printed goes to stderr.
        out = os.dup(1)
        os.dup2(2, 1)
        return over_stdio(server, out)

    async def over_stdio(server: EditorServer, out: int) -> int:
        code = await serve_stdio(server, 0, out, on_end=_leave_anyway)
        if not server.protocol.initialized:
            _tell_the_curious("editor.nobody")
        return code

    try:
        asyncio.run(_run(EditorServer, serve))
    except KeyboardInterrupt:
        leave(130)
    leave(1)


def _tell_the_curious(key: str) -> None:
    """Somebody at a keyboard or in a script started this, who would see nothing at all."""
    from ide_agent.locale import language, translate

    print(translate(key, language()), file=sys.stderr)  # noqa: T201


async def _run(make: Callable[[], Any], serve: Callable[[Any], Coroutine[Any, Any, int]]) -> None:
    if sys.platform != "win32" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        # `asyncio.run` may miss one that comes just before the loop goes to sleep, until something wakes it
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, leave, 130)
    leave(await serve(make()))


def leave(code: int) -> NoReturn:
    """End this process now: no waiting for threads or requests, which hold nothing worth saving."""
    logging.shutdown()
    os._exit(code)


def _leave_anyway() -> None:
    """The client is gone; if the loop is too busy to notice, leave without it."""
    time.sleep(_GRACE_SECONDS)
    leave(1)


class _Options:
    tcp: tuple[str, int] | None = None
    log_level: str = "WARNING"


def _options(argv: Sequence[str]) -> _Options:
    if not argv:
        return _Options()
    from ide_agent.editor.options import parse

    return parse(argv, _Options())


def set_up_logging(level: str) -> None:
    """Log to stderr and to ``lsp.log``; never what a message holds."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    try:
        handlers.append(_file_handler(log_file("lsp")))
    except OSError as failure:
        print(f"lsp.log cannot be written: {failure}", file=sys.stderr)  # noqa: T201
    form = PayloadFree("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    for handler in handlers:
        handler.setFormatter(form)
    logging.basicConfig(level=level, handlers=handlers, force=True)
    logging.raiseExceptions = False  # a record that cannot be written would be printed, arguments and all
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def _file_handler(file: Path) -> logging.Handler:
    if file.exists() and file.stat().st_size > _LOG_BYTES:
        file.replace(file.with_suffix(".log.1"))
    return _Private(file, encoding="utf-8", delay=True)


class _Private(logging.FileHandler):
    """A file that only its owner reads."""

    def _open(self) -> TextIOWrapper:
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(handle, "a", encoding="utf-8")  # noqa: PTH123 - a descriptor, not a path


class PayloadFree(logging.Formatter):
    """Leaves out the arguments of other people's log records, and the texts of most exceptions.

    pygls logs whole messages, at every level; an exception's text may quote the user's source or a key.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line to write."""
        clean = {**record.__dict__, "exc_text": None}
        if record.name.partition(".")[0] in _QUIET and record.args:
            clean.update(args=None, msg=_bare(record.msg))
        return super().format(logging.makeLogRecord(clean))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """The stack, and the kind of the exception."""
        from ide_agent.errors import IdeAgentError

        kind, value, trace = ei
        stack = "".join(traceback.format_tb(trace))
        harmless = isinstance(value, IdeAgentError | ImportError | OSError | AttributeError | NameError)
        text = f": {value}" if harmless else ""
        return f"{stack}{kind.__name__ if kind else ''}{text}"


def _bare(message: object) -> str:
    import re

    return re.sub(r"%[-#0 +]*[\d.*]*[a-zA-Z]", "…", str(message))
