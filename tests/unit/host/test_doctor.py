import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ide_agent import cli
from ide_agent.config import Settings
from ide_agent.errors import EngineStartError, HostStartError, IdeAgentError, ModelError, RoutesError
from ide_agent.host import doctor
from ide_agent.inference.gpus import Gpu
from ide_agent.runtime import RuntimeInfo
from support import model_folders
from support.fake_inference import running_row


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which all is well, but for the missing model."""
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    cli.language.cache_clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "ensure_host", lambda: RuntimeInfo(1, "t", "v", 2, 0.0))
    answer(monkeypatch, {})
    return tmp_path


def answer(
    monkeypatch: pytest.MonkeyPatch,
    completion: dict[str, Any] | Exception,
    *problems: object,
    host_goes_by: dict[str, Any] | None = None,
    runtimes: dict[str, Any] | None = None,
) -> None:
    def call(info: RuntimeInfo, method: str, path: str, body: Any = None, timeout: float = 0) -> Any:
        if path == "/status":
            return {"problems": list(problems), "settings": host_goes_by}
        if path == "/engine/runtimes":
            return runtimes or {"here": [], "lacking": [], "for_speech": [], "problems": []}
        if isinstance(completion, Exception):
            raise completion
        return completion

    monkeypatch.setattr(doctor, "call", call)


def with_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_models", lambda: doctor.Finding("model", True, "cli.doctor.models"))


def findings() -> dict[str, tuple[bool, str]]:
    return {finding.subject: (finding.ok, finding.detail("en")) for finding in doctor.examine()}


def test_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with_model(monkeypatch)
    answer(monkeypatch, {"model": "starter"})
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 0
    assert "PROBLEM" not in result.stdout
    assert "starter answers" in result.stdout


def test_what_there_is_for_models_to_run_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ide_agent.inference.resources.total_memory", lambda: 16_000_000_000)
    monkeypatch.setattr("ide_agent.inference.resources.default_threads", lambda: 3)
    monkeypatch.setattr("ide_agent.inference.gpus.gpus", tuple)
    ok, told = findings()["machine"]
    assert ok
    assert told.startswith("16.0 GB of memory,")
    assert "(models use 3)" in told and "no graphics card" in told
    card = Gpu("GeForce", 8_000_000_000, 0)
    monkeypatch.setattr("ide_agent.inference.gpus.gpus", lambda: (card,))
    found = next(each for each in doctor.examine() if each.subject == "machine")
    assert found.detail("tr").startswith("16,0 GB bellek,") and found.detail("tr").endswith("GeForce (8 GB)")


def test_missing_model_says_how_to_get_one() -> None:
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 1
    assert "ide-agent models pull starter" in result.stdout
    assert "engine" not in findings()


def test_whether_anything_may_leave_is_said(home: Path) -> None:
    assert findings()["remote"] == (
        True,
        "Remote models are off: nothing is sent to models on other machines.",
    )
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "config.toml").write_text("[remote]\nenabled = true\n")
    assert findings()["remote"][1].startswith("Remote models are on")


def test_each_endpoint_is_named_and_how_safe_the_way_there_is(home: Path) -> None:
    (home / "config").mkdir(exist_ok=True)
    settings = home / "config" / "config.toml"
    endpoints = (
        '[remote.endpoints.plain]\nurl = "http://models.example/v1"\n'
        '[remote.endpoints.near]\nurl = "http://localhost:1/v1"\n'
    )
    for enabled in (False, True):
        settings.write_text(f"[remote]\nenabled = {str(enabled).lower()}\n{endpoints}")
        _, plain, near = [each for each in doctor.examine() if each.subject == "remote"]
        assert (plain.ok, near.ok) == (not enabled, True)
        assert "without encryption" in plain.detail("en") and "şifresiz" in plain.detail("tr")
        assert near.detail("tr") == "near: http://localhost:1/v1, bu makinede"
    settings.write_text("[remote]\nenabled = true\ncost_per_day = -1\n")
    assert findings()["remote"][0] is False


def test_rules_are_counted_and_their_faults_said_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings()["routes"][1].startswith("There are no rules")
    (home / "config").mkdir(exist_ok=True)
    file = home / "config" / "routes.yaml"
    file.write_text("rules:\n  - name: all\n    model: default\n")
    assert findings()["routes"] == (True, f"one rule in {file}")
    file.write_text("rules:\n  - name: all\n    model: nobody\n")
    assert "routes check" in findings()["routes"][1]
    file.write_text("rules:\n  - name: all\n    modle: default\n")
    wrong = [each for each in doctor.examine() if each.subject == "routes"]
    assert wrong and not any(each.ok for each in wrong)
    answer(monkeypatch, {}, wrong[0].error.as_wire() if wrong[0].error else None)
    again = [each.detail("tr") for each in doctor.examine() if each.subject == "routes"]
    assert len(again) == len(set(again)) == len(wrong)


def test_corrupt_model_is_named(home: Path) -> None:
    (home / "models" / "bad").mkdir(parents=True)
    (home / "models" / "bad" / "bad.gguf").write_bytes(b"no model at all")
    ok, detail = findings()["model"]
    assert not ok
    assert "bad.gguf" in detail


def test_host_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> RuntimeInfo:
        raise HostStartError("error.host.port", port=80)

    monkeypatch.setattr(doctor, "ensure_host", fail)
    assert findings()["host"] == (False, HostStartError("error.host.port", port=80).message("en"))


def test_engine_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with_model(monkeypatch)
    failure = EngineStartError(model="m", reason="SIGILL")
    answer(monkeypatch, failure)
    assert findings()["engine"] == (False, failure.message("en"))


def test_a_model_that_waits_for_a_place_is_not_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_folders.llama(home / "models" / "mine")
    why = ModelError("error.model.waits_active", model="mine", count=2, limit=2, names="a, b", kept="b")
    done = threading.Event()

    def call(info: RuntimeInfo, method: str, path: str, body: Any = None, timeout: float = 0) -> Any:
        match path:
            case "/status":
                return {"problems": []}
            case "/engine/runtimes":
                return {"here": [], "lacking": [], "for_speech": [], "problems": []}
            case "/models/running":
                others = running_row("a", state="waiting", reason=ModelError())
                return {"models": [others, running_row("mine", state="waiting", reason=why)], "limit": 2}
        assert body["model"] == "mine"
        done.wait()
        raise IdeAgentError

    monkeypatch.setattr(doctor, "call", call)
    monkeypatch.setattr(doctor, "_LOOK_SECONDS", 0.01)
    result = CliRunner().invoke(cli.app, ["doctor"])
    done.set()
    assert result.exit_code == 0
    line = next(each for each in result.stdout.splitlines() if "Engine" in each)
    assert line.startswith("WARNING") and str(why) in line and "ide-agent models deactivate" in line


def test_no_engine_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    with_model(monkeypatch)
    monkeypatch.setattr(doctor, "_ENGINES", {"nothing": "no_such_module"})
    ok, detail = findings()["engine"]
    assert not ok
    assert "Install" in detail


def test_database_that_was_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = {"type": "StorageError", "code": "error.storage.newer", "params": {"file": "F", "aside": "A"}}
    answer(monkeypatch, {}, wire)
    ok, detail = findings()["database"]
    assert not ok
    assert "moved to A" in detail


def test_wrong_settings(home: Path) -> None:
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text("[completion]\nmax_lines = 0\n")
    ok, detail = findings()["settings"]
    assert not ok
    assert "completion.max_lines" in detail


def settings_findings(language: str = "en") -> list[tuple[bool, str]]:
    return [
        (finding.ok, finding.detail(language))
        for finding in doctor.examine()
        if finding.subject == "settings"
    ]


def test_settings_that_nobody_wrote_are_the_defaults(home: Path) -> None:
    file = home / "config" / "config.toml"
    assert settings_findings() == [(True, f"the defaults; {file} does not exist")]
    assert settings_findings("tr") == [(True, f"varsayılanlar; {file} yok")]
    file.parent.mkdir()
    file.write_text("")
    assert settings_findings() == [(True, str(file))]


def test_the_settings_of_this_folder_count_as_well(home: Path) -> None:
    (home / ".ide-agent.toml").write_text("[completion]\nmax_lines = 3\n")
    assert settings_findings()[1:] == [(True, ".ide-agent.toml")]
    (home / ".ide-agent.toml").write_text("[inference]\nslots = 1\n")
    (ok, wrong), user = settings_findings()
    assert not ok
    assert wrong.startswith(".ide-agent.toml: “inference” counts for nothing here")
    assert user[0]


def test_those_of_a_folder_above_count_where_there_are_no_nearer_ones(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".ide-agent.toml").write_text("[completion]\nmax_lines = 3\n")
    inner = home / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert settings_findings()[1:] == [(True, str(home / ".ide-agent.toml"))]
    (home / "a" / ".ide-agent.toml").write_text("")
    assert settings_findings()[1:] == [(True, str(home / "a" / ".ide-agent.toml"))]


def test_a_folder_that_was_removed_meanwhile_has_no_settings(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = home / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert len(settings_findings()) == 1


def test_a_host_that_goes_by_older_settings_is_to_be_restarted(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same: dict[str, Any] = Settings().model_dump(mode="json", include={"inference", "host"})
    same["inference"]["of_a_newer_version"] = 1
    answer(monkeypatch, {}, host_goes_by=same)
    assert findings()["host"][0]
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text('[inference]\nmodel = "big"\n[completion]\nmax_lines = 3\n')
    ok, detail = findings()["host"]
    assert not ok
    assert detail.endswith("than those of now: inference.model. Restart it: ide-agent host restart")


def test_home_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("IDE_AGENT_HOME", str(blocked))
    found = findings()
    assert "settings" not in found
    for folder in ("data", "state"):
        ok, detail = found[f"{folder}_folder"]
        assert not ok
        assert str(blocked) in detail


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("C", ("Data folder", "State folder", "Settings folder", "Models folder")),
        ("tr", ("Veri klasörü", "Durum klasörü", "Ayar klasörü", "Model klasörü")),
    ],
)
def test_the_folders_are_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, language: str, titles: tuple[str, ...]
) -> None:
    monkeypatch.setenv("IDE_AGENT_MODELS", str(home / "big disk"))
    monkeypatch.setenv("LC_ALL", language)
    cli.language.cache_clear()
    out = CliRunner().invoke(cli.app, ["doctor"]).stdout
    for title, folder in zip(titles, ("data", "state", "config", "big disk"), strict=True):
        assert f"{title}: {home / folder}\n" in out


def test_a_models_folder_that_is_only_read_will_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.os, "access", lambda path, _: "models" not in str(path))
    (home / "models").mkdir()
    assert findings()["models_folder"] == (True, str(home / "models"))


@pytest.mark.parametrize(("folder", "fine"), [("models", True), ("data", False)])
def test_a_folder_that_may_not_be_looked_into(
    home: Path, monkeypatch: pytest.MonkeyPatch, folder: str, fine: bool
) -> None:
    """What is only read is left to those who read it."""
    exists = Path.exists

    def forbidden(path: Path) -> bool:
        if path.is_relative_to(home / folder):
            raise PermissionError(13, "Permission denied", str(path))
        return exists(path)

    with_model(monkeypatch)
    monkeypatch.setattr(Path, "exists", forbidden)
    ok, detail = findings()[f"{folder}_folder"]
    assert ok == fine
    assert str(home / folder) in detail


def test_broken_plugins_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = IdeAgentError("error.plugin.broken", name="shiny", reason="ImportError: no")
    answer(monkeypatch, {}, problem.as_wire())
    ok, detail = findings()["plugins"]
    assert not ok
    assert detail == problem.message("en")


def test_errors_in_the_routing_rules_are_told_with_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with_model(monkeypatch)
    problem = RoutesError("error.routes.unknown", file="/home/me/routes.yaml", line=3, key="modle")
    answer(monkeypatch, {"model": "starter"}, problem.as_wire())
    assert findings()["routes"] == (False, "/home/me/routes.yaml:3: There is no key “modle” here.")
    assert "Routing rules: /home/me" in CliRunner().invoke(cli.app, ["doctor"]).stdout


def test_what_runs_other_formats_is_asked_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = EngineStartError("error.engine.no_server", model="smol", engine="vllm, transformers")
    seen = {"here": ["onnxruntime"], "lacking": ["vllm"], "for_speech": ["joe", "whisper"]}
    answer(monkeypatch, {}, runtimes={**seen, "problems": [problem.as_wire()]})
    said = [(it.ok, it.detail("en")) for it in doctor.examine() if it.subject == "runtimes"]
    assert said == [
        (
            True,
            "onnxruntime here. Not here, needed only for models in Hugging Face's format: vllm "
            "(docs/models.md, “Runtimes”).",
        ),
        (True, "For speech, which nothing here runs yet: joe, whisper."),
        (False, problem.message("en")),
    ]


@pytest.mark.parametrize("fails", ["ensure_host", "call"])
def test_without_a_host_or_with_an_earlier_one_it_looks_itself(
    fails: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = getattr(doctor, fails)

    def failing(*asked: Any, **more: Any) -> Any:
        if "/status" in asked:
            return before(*asked, **more)
        raise HostStartError("error.host.port", port=80)

    monkeypatch.setattr(doctor, fails, failing)
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text('[inference]\nvllm = "/none"\ntransformers = "/none"\n')
    model_folders.llama(home / "models" / "smol")
    ok, detail = findings()["runtimes"]
    assert not ok
    assert detail.startswith("smol is in Hugging Face")
