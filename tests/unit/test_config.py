from pathlib import Path

import pytest

from ide_agent import config
from ide_agent.config import Settings
from ide_agent.features.completion.policy import Policy


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return tmp_path / "config.toml", workspace


def test_without_files_there_are_the_defaults() -> None:
    assert config.load() == (Settings(), [])


def test_later_layers_win(files: tuple[Path, Path]) -> None:
    user, workspace = files
    user.write_text("[completion]\nmax_lines = 3\nprompt_tokens = 300\n[inference]\nslots = 4\n")
    (workspace / ".ide-agent.toml").write_text("[completion]\nmax_lines = 5\n")
    settings, problems = config.load(
        user=user, workspace=workspace, editor={"completion": {"promptTokens": 400}}
    )
    assert problems == []
    assert (settings.completion.max_lines, settings.completion.prompt_tokens) == (5, 400)
    assert settings.inference.slots == 4


def test_a_bad_value_is_reported_and_the_rest_counts(files: tuple[Path, Path]) -> None:
    user, _ = files
    user.write_text("[completion]\nmax_lines = 0\nautomatic = false\ncolour = 'red'\n")
    settings, problems = config.load(user=user)
    assert settings.completion.max_lines == Settings().completion.max_lines
    assert settings.completion.automatic is False
    assert sorted(p.params["key"] for p in problems) == ["completion.colour", "completion.max_lines"]
    assert all(p.params["file"] == str(user) for p in problems)


def test_a_bad_value_does_not_undo_a_good_one_below(files: tuple[Path, Path]) -> None:
    user, workspace = files
    user.write_text("[completion]\nmax_lines = 3\n")
    (workspace / ".ide-agent.toml").write_text("[completion]\nmax_lines = 'many'\n")
    settings, problems = config.load(user=user, workspace=workspace)
    assert settings.completion.max_lines == 3
    assert len(problems) == 1


def test_a_section_of_the_wrong_type_is_reported(files: tuple[Path, Path]) -> None:
    user, _ = files
    user.write_text("completion = 3\n")
    settings, problems = config.load(user=user)
    assert settings == Settings()
    assert len(problems) == 1


def test_a_workspace_cannot_change_the_machine(files: tuple[Path, Path]) -> None:
    _, workspace = files
    (workspace / ".ide-agent.toml").write_text("[inference]\nslots = 9\n[completion]\nmax_lines = 2\n")
    settings, problems = config.load(workspace=workspace)
    assert settings.inference.slots == Settings().inference.slots
    assert settings.completion.max_lines == 2
    assert [p.params["key"] for p in problems] == ["inference"]


def test_a_broken_file_is_reported(files: tuple[Path, Path]) -> None:
    user, _ = files
    user.write_text("[completion\n")
    settings, problems = config.load(user=user)
    assert settings == Settings()
    assert len(problems) == 1


def test_editor_settings_keep_language_ids_as_they_are() -> None:
    settings, problems = config.load(editor={"completion": {"languages": {"typescriptReact": False}}})
    assert problems == []
    assert settings.completion.languages == {"typescriptReact": False}


def test_editor_settings_that_only_the_client_knows_are_passed_over() -> None:
    _, problems = config.load(editor={"server": {"path": "x"}, "trace": "off"})
    assert problems == []


PRIVATE = '[completion]\nprivate_globs = ["clients/**"]\ndisabled_globs = ["old/**"]\nrecord = false\n'


def test_a_workspace_cannot_take_back_what_is_private(files: tuple[Path, Path]) -> None:
    user, workspace = files
    user.write_text(PRIVATE)
    file = workspace / ".ide-agent.toml"
    file.write_text("[completion]\nprivate_globs = []\ndisabled_globs = []\nrecord = true\n")
    settings, problems = config.load(user=user, workspace=workspace)
    assert settings.completion.private_globs == ("clients/**",)
    assert settings.completion.disabled_globs == ("old/**",)
    assert settings.completion.record is False
    assert problems == []


def test_nor_can_the_editor_into_which_a_workspace_may_have_put_its_own(files: tuple[Path, Path]) -> None:
    user, _ = files
    user.write_text(PRIVATE)
    editor = {"completion": {"privateGlobs": ["!clients/a", "mine/*"], "disabledGlobs": [], "record": True}}
    settings, problems = config.load(user=user, editor=editor)
    assert settings.completion.private_globs == ("mine/*", "clients/**")
    assert settings.completion.disabled_globs == ("old/**",)
    assert settings.completion.record is False
    assert [p.params["key"] for p in problems] == ["completion.private_globs"]


@pytest.mark.parametrize("glob", ["!clients/**", "  !clients/**", "\u2003!clients/**"])
def test_a_workspace_cannot_make_exceptions(files: tuple[Path, Path], glob: str) -> None:
    user, workspace = files
    user.write_text(PRIVATE)
    (workspace / ".ide-agent.toml").write_text(f'[completion]\nprivate_globs = ["{glob}", "*.dump"]\n')
    settings, problems = config.load(user=user, workspace=workspace)
    assert settings.completion.private_globs == ("*.dump", "clients/**")
    assert [p.params["key"] for p in problems] == ["completion.private_globs"]
    assert Policy(settings.completion).is_private("clients/a.py")


def test_exceptions_in_the_users_own_file_are_the_last_word(files: tuple[Path, Path]) -> None:
    user, workspace = files
    user.write_text('[completion]\nprivate_globs = ["*.dump", "!public.dump"]\n')
    (workspace / ".ide-agent.toml").write_text('[completion]\nprivate_globs = ["*.dump"]\n')
    policy = Policy(config.load(user=user, workspace=workspace)[0].completion)
    assert policy.is_private("a.dump")
    assert not policy.is_private("public.dump")


def test_globs_of_all_layers_count(files: tuple[Path, Path]) -> None:
    user, workspace = files
    user.write_text('[completion]\nprivate_globs = ["a"]\n')
    (workspace / ".ide-agent.toml").write_text('[completion]\nprivate_globs = ["b"]\nrecord = false\n')
    settings, _ = config.load(
        user=user, workspace=workspace, editor={"completion": {"privateGlobs": ["c"], "record": True}}
    )
    assert settings.completion.private_globs == ("c", "b", "a")
    assert settings.completion.record is False


def test_a_workspace_switches_suggestions_off_but_not_on(files: tuple[Path, Path]) -> None:
    user, workspace = files
    file = workspace / ".ide-agent.toml"
    user.write_text("[completion]\nenabled = false\n[completion.languages]\nmarkdown = false\n")
    file.write_text("[completion]\nenabled = true\n[completion.languages]\nmarkdown = true\nsql = false\n")
    settings, _ = config.load(user=user, workspace=workspace)
    assert settings.completion.enabled is False
    assert settings.completion.languages == {"markdown": False, "sql": False}
    user.unlink()
    file.write_text("[completion]\nenabled = false\n")
    assert config.load(workspace=workspace)[0].completion.enabled is False
    editor = {"completion": {"enabled": True, "languages": {"markdown": True}}}
    settings, _ = config.load(workspace=workspace, editor=editor)
    assert settings.completion.enabled is True
    assert settings.completion.languages == {"markdown": True}


def test_a_workspace_cannot_name_a_model(files: tuple[Path, Path]) -> None:
    user, workspace = files
    user.write_text('[completion]\nmodel = "mine"\n')
    (workspace / ".ide-agent.toml").write_text('[completion]\nmodel = "/repo/trap.gguf"\nmax_lines = 2\n')
    settings, problems = config.load(user=user, workspace=workspace)
    assert (settings.completion.model, settings.completion.max_lines) == ("mine", 2)
    assert [p.params["key"] for p in problems] == ["completion.model"]
    assert config.load(editor={"completion": {"model": "small"}})[0].completion.model == "small"


def test_settings_of_the_machine_are_not_the_editors(files: tuple[Path, Path]) -> None:
    settings, problems = config.load(editor={"inference": {"slots": 9}, "host": {"port": 1}})
    assert settings == Settings()
    assert [p.params["key"] for p in problems] == ["inference", "host"]


@pytest.mark.parametrize("value", ["3", "{}", '["a", 3]', "true"])
def test_limits_that_do_not_validate_leave_those_below(files: tuple[Path, Path], value: str) -> None:
    user, workspace = files
    user.write_text(PRIVATE)
    (workspace / ".ide-agent.toml").write_text(f"[completion]\nprivate_globs = {value}\n")
    settings, problems = config.load(user=user, workspace=workspace)
    assert settings.completion.private_globs == ("clients/**",)
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "[completion]\nmax_line = 6",
            "no setting “completion.max_line”. Did you mean “completion.max_lines”?",
        ),
        ("[completions]\nmax_lines = 6", "no setting “completions”. Did you mean “completion”?"),
        ("[host]\ncolour = 1", "no setting “host.colour”. It counts for nothing."),
        ("completion = 3", "“completion” is a section: [completion]"),
        ('[completion]\nprivate_globs = "*.dump"', 'a list of texts, such as ["*.dump"]'),
        ('[completion]\nmax_lines = "many"', "“completion.max_lines” takes a whole number"),
        ('[completion]\nprompt_tokens = "900"', "“completion.prompt_tokens” takes a whole number"),
        ("[completion]\nmax_lines = true", "“completion.max_lines” takes a whole number"),
        ('[completion]\nrecord = "no"', "“completion.record” takes true or false"),
        ("[completion]\nenabled = 1", "“completion.enabled” takes true or false"),
        ('[completion.languages]\nlua = "off"', "“completion.languages.lua” takes true or false"),
        ("[completion]\nmax_lines = 0", "“completion.max_lines” takes 1 at least"),
        ("[completion]\nmax_lines = 9999", "“completion.max_lines” takes 64 at most"),
        ('[completion]\nenabled = "maybe"', "“completion.enabled” takes true or false"),
        ("[completion]\nmodel = 3", "“completion.model” takes a text in quotes"),
        ('[inference]\nengine = "steam"', "“inference.engine” takes one of"),
        ("[completion", "cannot be read and counts for nothing"),
    ],
)
def test_what_is_wrong_is_said_in_words(files: tuple[Path, Path], text: str, wanted: str) -> None:
    user, _ = files
    user.write_text(text)
    _, [problem] = config.load(user=user)
    assert wanted in str(problem)
    assert str(user) in str(problem)
    turkish = problem.message("tr")
    assert turkish != str(problem)
    assert "{" not in turkish.replace("[completion]", "")


REMOTE = '[remote]\nenabled = true\n[remote.endpoints.out]\nurl = "https://models.example/v1/"\n'


def remote_of(tmp_path: Path, text: str) -> tuple[config.RemoteSettings, list[str]]:
    user = tmp_path / "user.toml"
    user.write_text(text)
    settings, problems = config.load(user=user)
    assert all("{" not in problem.message("tr") for problem in problems)
    return settings.remote, [problem.key_used for problem in problems]


def test_endpoints(tmp_path: Path) -> None:
    remote, problems = remote_of(tmp_path, REMOTE + "requests_per_second = 2\nmodels = ['a/b']\n")
    assert (remote.enabled, problems) == (True, [])
    endpoint = remote.endpoints["out"]
    assert (endpoint.url, endpoint.requests_per_second) == ("https://models.example/v1", 2.0)
    assert endpoint.models == ("a/b",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (REMOTE + "tokens_per_day = 'many'\n", "error.config_whole"),
        (REMOTE + "cost_per_day = -1\n", "error.config_least"),
        (REMOTE + "requests_per_second = 0\n", "error.config_above"),
        (REMOTE + "[remote.endpoints.'a/b']\nurl = 'https://a'\n", "error.config_name"),
        (REMOTE + "[remote.endpoints.other]\nmodels = ['a']\n", "error.config_missing"),
        (REMOTE.replace("enabled = true", "enabled = true\nredact_patterns = 'x'"), "error.config_list"),
        (REMOTE.replace("enabled = true", "enabled = true\nredakt = true"), "error.config_unknown_near"),
    ],
)
def test_a_mistake_keeps_remote_models_off(tmp_path: Path, text: str, problem: str) -> None:
    remote, problems = remote_of(tmp_path, text)
    assert not remote.enabled
    assert problem in problems
    assert "out" in remote.endpoints


@pytest.mark.parametrize(
    "url",
    ["", "models.example", "ftp://models.example", "https://", "https://u:p@models.example", "https://a/?key=k",
     "https://a:x/v1", "https://a:99999", "https://[::1", "https://münchen.example", "file:///etc/passwd"],
)  # fmt: skip
def test_what_is_no_address(tmp_path: Path, url: str) -> None:
    remote, problems = remote_of(tmp_path, REMOTE.replace("https://models.example/v1/", url))
    assert not remote.enabled
    assert remote.endpoints == {}
    assert "error.config_address" in problems


def test_nobody_else_switches_remote_models_on(tmp_path: Path) -> None:
    (tmp_path / ".ide-agent.toml").write_text(REMOTE)
    settings, problems = config.load(workspace=tmp_path, editor={"remote": {"enabled": True}})
    assert settings.remote == config.RemoteSettings()
    assert [problem.params["key"] for problem in problems] == ["remote", "remote"]


def test_a_broken_endpoint_takes_no_other_with_it(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        "[remote.endpoints.good]\nurl = 'http://127.0.0.1:1/v1'\n"
        "[remote.endpoints.bad]\nulr = 'x'\n[completion]\nmax_lines = 3\n"
    )
    settings, problems = config.load(user=file)
    assert list(settings.remote.endpoints) == ["good"]
    assert (settings.remote.enabled, settings.completion.max_lines) == (False, 3)
    assert {problem.params["key"] for problem in problems} == {
        "remote.endpoints.bad.url",
        "remote.endpoints.bad.ulr",
    }
