from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from ide_agent.editor.main import _options, set_up_logging
from ide_agent.errors import ModelNotFound
from ide_agent.paths import log_file


@pytest.fixture
def logs(home: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Path]:
    """The log file of a fresh set-up; the test runner's own logging comes back afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    quiet = {name: logging.getLogger(name).level for name in ("pygls", "httpx", "httpcore", "asyncio")}
    root.handlers[:] = []
    set_up_logging("DEBUG")
    yield log_file("lsp")
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


def test_payloads_never_reach_the_log(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = logging.getLogger("pygls.protocol.json_rpc")
    theirs.info("Sending data: %s", "SECRET-1")
    theirs.error("Failed to handle %s %-5.2d%%", "SECRET-2", 1)
    try:
        raise ValueError("SEC" + "RET-3")
    except ValueError:
        theirs.exception("Error %r", "SECRET-4")
        logging.getLogger("ide_agent.x").exception("broken")
    logging.getLogger("ide_agent.x").warning("%d things", 3)
    try:
        raise ModelNotFound(name="the-model")
    except ModelNotFound:
        logging.getLogger("ide_agent.x").exception("ours")
    for text in (logs.read_text(), capsys.readouterr().err):
        assert "SECRET" not in text
        assert "Failed to handle … …%" in text
        assert "3 things" in text and "ValueError" in text and "test_main.py" in text
        assert "the-model" in text


def test_a_log_that_has_grown_is_put_aside(home: Path, logs: Path) -> None:
    logs.write_bytes(b"x" * 3_000_000)
    set_up_logging("WARNING")
    logging.getLogger("ide_agent.x").warning("new")
    assert logs.read_text().endswith("ide_agent.x: new\n")
    assert logs.with_suffix(".log.1").stat().st_size == 3_000_000


def test_options() -> None:
    assert _options([]).tcp is None
    assert _options(["--stdio", "--clientProcessId=7"]).tcp is None
    assert _options(["--tcp", "7000"]).tcp == ("127.0.0.1", 7000)
    assert _options(["--tcp", "[::1]:7000", "--log-level", "debug"]).tcp == ("::1", 7000)
    assert _options(["--log-level", "debug"]).log_level == "DEBUG"
    with pytest.raises(SystemExit):
        _options(["--tcp", "x"])
