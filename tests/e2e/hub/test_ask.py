"""A question in the shell to a real model, from the program's start to the engine's end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ide_agent.paths import models_dir
from ide_agent.runtime import RuntimeInfo, call, ensure_host
from support.host_process import clean_home, wait_for
from support.models import starter_model

pytestmark = [pytest.mark.e2e, pytest.mark.engine]
ASK = [sys.executable, "-m", "ide_agent", "models", "ask"]
_TEMPLATE = b"tokenizer.chat_template"


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeInfo]:
    """A host with the starter model, and with one that was never taught to chat."""
    home = tmp_path_factory.mktemp("ask")
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text('locale = "en"\n[inference]\nthreads = 1\n')
    models, starter = home / "models", starter_model().file
    (models / "base").mkdir(parents=True)
    (models / "base" / "m.gguf").write_bytes(starter.read_bytes().replace(_TEMPLATE, b"-" * len(_TEMPLATE)))
    (models / "starter").symlink_to(models_dir() / "starter", target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch, clean_home(home):
        patch.setenv("IDE_AGENT_HOME", str(home))
        patch.setenv("IDE_AGENT_MODELS", str(models))
        yield ensure_host(60)


def ask(*words: str, said: str = "") -> tuple[int, str, str]:
    done = subprocess.run(
        [*ASK, *words], input=said, capture_output=True, text=True, encoding="utf-8", timeout=100
    )
    return done.returncode, done.stdout, done.stderr


def busy(info: RuntimeInfo) -> int:
    return sum(engine["busy"] for engine in call(info, "GET", "/status")["engines"])


def test_a_model_answers(info: RuntimeInfo) -> None:
    code, out, err = ask("--model", "starter", "--max-tokens", "12", "Count", "from", "1", "to", "90.")
    assert code == 0
    assert not err or "--max-tokens" in err  # a model may find an end of its own
    assert out.strip()


def test_a_base_model_answers_a_question_from_standard_input(info: RuntimeInfo) -> None:
    code, out, err = ask("--model", "base", "--max-tokens", "12", said="Name the days of the week.")
    assert code == 0, err
    assert out.strip() or "without a word" in err


def test_ctrl_c_stops_the_engine(info: RuntimeInfo) -> None:
    story = [*ASK, "--model", "starter", "--max-tokens", "100000", "Count on without an end: 1, 2, 3, 4"]
    with subprocess.Popen(story, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        assert b"Stopped." in process.stderr.read()
        assert process.wait(60) == 130
    wait_for(lambda: busy(info) == 0, "the engine to stop")


def test_without_a_model_it_says_what_to_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    with clean_home(tmp_path):
        code, out, err = ask("hi")
    assert (code, out) == (1, "")
    assert "ide-agent models pull starter" in err
