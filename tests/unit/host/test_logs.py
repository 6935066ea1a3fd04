import logging
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ide_agent.host.logs import LogFile, QuietFormatter

CHILD = """
import logging, sys
from pathlib import Path
from ide_agent.host import logs
logs._MAX_BYTES = 2000
logs.setup(Path(sys.argv[1]), "t0ken")
for n in range(100):
    logging.getLogger("x").info("line %d with t0ken", n)
print("straight to stdout", flush=True)
print("straight to stderr", file=sys.stderr)
"""


def logged(failure: Exception) -> str:
    try:
        raise failure
    except Exception:
        record = logging.getLogger().makeRecord("n", 40, "f", 1, "failed", (), sys.exc_info())
    return QuietFormatter("t0ken").format(record)


def test_text_of_foreign_exceptions_is_left_out() -> None:
    private = "somebody's code"
    out = logged(ValueError(private))
    assert private not in out
    assert "ValueError" in out
    assert "test_logs.py" in out


def test_text_of_system_errors_stays() -> None:
    assert "no space left" in logged(OSError("no space left"))


def test_token_is_left_out() -> None:
    assert "t0ken" not in logged(OSError("Bearer t0ken"))


def test_output_follows_the_rotation_and_files_are_private(tmp_path: Path) -> None:
    file = tmp_path / "host.log"
    with file.open("ab") as stream:
        subprocess.run([sys.executable, "-c", CHILD, str(file)], stdout=stream, stderr=stream, check=True)
    text = file.read_text()
    assert text.endswith("straight to stdout\nstraight to stderr\n")
    parts = sorted(tmp_path.iterdir())
    assert len(parts) > 2
    assert all("t0ken" not in part.read_text() for part in parts)
    made_by_it = parts[:-1]  # the first one, by now the oldest, was made by the test itself
    assert all(stat.S_IMODE(part.stat().st_mode) == 0o600 for part in made_by_it)


def test_every_line_is_written_once_when_stderr_is_the_log(tmp_path: Path) -> None:
    file = tmp_path / "host.log"
    with file.open("ab") as stream:
        subprocess.run([sys.executable, "-c", CHILD, str(file)], stdout=stream, stderr=stream, check=True)
    assert file.read_text().count("line 99 ") == 1


def test_stderr_elsewhere_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "err").open("w") as other:
        monkeypatch.setattr(sys, "stderr", other)
        log = LogFile(tmp_path / "host.log")
        assert not log.is_stderr()
        log.close()
