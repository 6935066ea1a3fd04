import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "clients" / "web" / "panel.schema.json"


def test_the_schema_is_up_to_date(tmp_path: Path) -> None:
    written = tmp_path / "schema.json"
    subprocess.run([sys.executable, str(ROOT / "scripts" / "panel_schema.py"), str(written)], check=True)
    assert SCHEMA.read_text(encoding="utf-8") == written.read_text(encoding="utf-8"), "run `make reference`"
