from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ide_agent.editor.main import _options

# In a process of its own: logging belongs to the whole process, here to the test runner.
PAYLOADS = """
import logging
from ide_agent.editor.main import set_up_logging
from ide_agent.errors import ModelNotFound
set_up_logging("DEBUG")
theirs, ours = logging.getLogger("pygls.protocol.json_rpc"), logging.getLogger("ide_agent.x")
theirs.info("Sending data: %s", "SECRET" + "1")
theirs.error("Failed to handle %s %-5.2d%%", "SECRET" + "2", 1)
theirs.error("%d", "SECRET" + "3")
ours.error("%d", "SECRET" + "4")
try:
    raise ValueError("SECRET" + "5")
except ValueError:
    theirs.exception("Error %r", "SECRET" + "6")
    ours.exception("broken")
ours.warning("%d things", 3)
try:
    raise ModelNotFound(name="the-model")
except ModelNotFound:
    ours.exception("ours")
"""


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr


def test_payloads_never_reach_the_log(home: Path) -> None:
    err = run(PAYLOADS)
    for text in (err, (home / "state" / "lsp.log").read_text(encoding="utf-8")):
        for number in range(1, 7):
            assert f"SECRET{number}" not in text
        assert "Failed to handle … …%" in text
        assert "3 things" in text
        assert "ValueError" in text and 'File "<string>"' in text
        assert "the-model" in text


def test_a_log_that_has_grown_is_put_aside(home: Path) -> None:
    log = home / "state" / "lsp.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"x" * 3_000_000)
    run(
        "import logging; from ide_agent.editor.main import set_up_logging; set_up_logging('WARNING');"
        "logging.getLogger('ide_agent.x').warning('new'); logging.getLogger('ide_agent.x').info('not this')"
    )
    text = log.read_text(encoding="utf-8")
    assert text.endswith("WARNING ide_agent.x: new\n") and text.count("\n") == 1
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.with_suffix(".log.1").stat().st_size == 3_000_000


def test_options() -> None:
    assert _options([]).tcp is None
    assert _options(["--stdio", "--clientProcessId=7"]).tcp is None
    assert _options(["--stdio"]).log_level == _options([]).log_level == "WARNING"
    assert _options(["--tcp", "7000"]).tcp == ("127.0.0.1", 7000)
