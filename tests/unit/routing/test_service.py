"""The file as it is written."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from ide_agent.errors import RoutesError
from ide_agent.features.routing.service import RulesFile

RULES = "rules:\n  - name: a\n    model: m  # ş\n"


def refused(file: RulesFile, stamp: str, text: str) -> str:
    with pytest.raises(RoutesError) as caught:
        file.change(stamp, lambda _: text)
    for language in ("en", "tr"):
        assert "{" not in caught.value.message(language)
    return caught.value.key_used.removeprefix("error.routes.")


def test_a_file_is_begun_for_its_owner_only(file: Path) -> None:
    file.parent.rmdir()
    rules = RulesFile(file)
    assert rules.load() == ("", "")
    rules.change("", lambda _: RULES)
    assert file.read_text(encoding="utf-8") == RULES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_change_keeps_the_files_mode_and_follows_links(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "routes.yaml"
    real.parent.mkdir()
    real.write_text(RULES)
    real.chmod(0o644)
    file.symlink_to(real)
    rules = RulesFile(file)
    rules.change(rules.load()[1], lambda text: text + "# more\n")
    assert file.is_symlink()
    assert real.read_text() == RULES + "# more\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o644


def test_what_somebody_else_wrote_is_not_overwritten(file: Path) -> None:
    rules = RulesFile(file)
    _, stamp = rules.load()
    file.write_text(RULES)
    assert refused(rules, stamp, "rules: []") == "changed"
    assert file.read_text() == RULES


def test_what_would_be_broken_is_not_written(file: Path) -> None:
    file.write_text(RULES)
    rules = RulesFile(file)
    stamp = rules.load()[1]
    assert refused(rules, stamp, "rules: [") == "syntax"
    assert file.read_text() == RULES


def test_a_file_that_is_no_text_is_left_alone(file: Path) -> None:
    file.write_bytes(b"\xff")
    assert refused(RulesFile(file), "", "") == "encoding"
    file.unlink()
    file.mkdir()
    assert refused(RulesFile(file), "", "") == "unreadable"


def test_a_folder_that_cannot_be_made_is_told(file: Path) -> None:
    file.parent.rmdir()
    file.parent.write_text("")
    rules = RulesFile(file / "sub" / "routes.yaml")
    with pytest.raises(RoutesError):
        rules.change("", lambda _: RULES)


def test_of_two_changes_at_once_one_is_refused(file: Path) -> None:
    """The panel and the route have an object each."""
    file.write_text(RULES)
    stamp = RulesFile(file).load()[1]
    both = threading.Barrier(2, timeout=60)
    outcomes: list[str] = []

    def change(name: str) -> None:
        both.wait()
        try:
            RulesFile(file).change(stamp, lambda text: f"{text}  - {{name: {name}, model: m}}\n")
            outcomes.append(name)
        except RoutesError as failure:
            outcomes.append(failure.key_used)

    for _ in range(20):
        file.write_text(RULES)
        outcomes.clear()
        threads = [threading.Thread(target=change, args=(name,)) for name in ("x", "y")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        written = [name for name in ("x", "y") if f"name: {name}" in file.read_text()]
        assert sorted(outcomes) == sorted([*written, "error.routes.changed"])


def test_what_another_program_writes_meanwhile_is_not_overwritten(file: Path) -> None:
    file.write_text(RULES)
    rules = RulesFile(file)

    def edit(text: str) -> str:
        file.write_text("rules: []")
        return text + "# more\n"

    with pytest.raises(RoutesError) as caught:
        rules.change(rules.load()[1], edit)
    assert caught.value.key_used == "error.routes.changed"
    assert file.read_text() == "rules: []"
    assert list(file.parent.iterdir()) == [file]


def test_a_change_says_what_it_wrote(file: Path) -> None:
    rules = RulesFile(file)
    stamp = rules.change("", lambda _: RULES)
    assert stamp == rules.load()[1] == rules.change(stamp, lambda text: text)
