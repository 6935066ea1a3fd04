from pathlib import Path

import pytest

from ide_agent import config
from ide_agent.config import Settings


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
