import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("settings.md", "cli.md")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, as somebody writes them who speaks Turkish with the terminal and with us."""
    home = tmp_path_factory.mktemp("home")
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text("locale = 'tr'\n")
    spoken = {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "LANGUAGE": "tr", "IDE_AGENT_HOME": str(home)}
    folder = tmp_path_factory.mktemp("reference")
    script = ROOT / "scripts" / "reference.py"
    subprocess.run([sys.executable, str(script), str(folder)], env={**os.environ, **spoken}, check=True)
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_up_to_date(written: Path, name: str) -> None:
    kept = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert kept == (written / name).read_text(encoding="utf-8"), "run `make reference`"


def test_every_setting_says_what_it_means() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert rows
    assert all(len(row) == 4 and all(cell.strip() not in ("", "None") for cell in row) for row in rows)
