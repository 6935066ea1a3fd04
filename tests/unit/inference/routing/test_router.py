"""Decisions by the rules as they stand in the files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ide_agent.inference.routing import router as router_module
from ide_agent.inference.routing.conditions import Ask
from ide_agent.inference.routing.router import WORKSPACE_FILE, Router, load
from ide_agent.locale import LANGUAGES

RULES = """
rules:
  - name: refactor
    when: {task: chat, message: (?i)refactor}
    model: large
    fallbacks: [small, default, small]
    adapter: mine
    limits: {max_tokens: 9}
  - name: all chat
    when: {task: chat}
    model: small
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "routes.yaml"


def rules(model: str, more: str = "") -> str:
    return f"{more}\nrules:\n  - name: only\n    model: {model}\n"


def test_the_first_rule_that_fits_decides(file: Path) -> None:
    file.write_text(RULES)
    router = Router(file)
    decision = router.decide(Ask(message="Refactor it"))
    assert (decision.rule, decision.model, decision.fallbacks) == ("refactor", "large:mine", ("small", ""))
    assert (decision.adapter, decision.limits.max_tokens) == ("mine", 9)
    here = Router(file, is_here=lambda name: name == "small").decide(Ask(message="Refactor", private=True))
    assert (here.model, here.adapter) == ("small", "")
    assert router.decide(Ask(message="hello")).model == "small"
    assert router.decide(Ask(task="review")).model == ""


def test_it_says_why_in_both_languages(file: Path) -> None:
    file.write_text(RULES)
    router = Router(file)
    for language in LANGUAGES:
        said = router.decide(Ask(message="Refactor it")).sentence(language)
        assert all(each in said for each in ("large", "“refactor”", "3", "chat", "(?i)refactor", "small"))
        for ask in (Ask(), Ask(task="review")):
            assert "routes." not in router.decide(ask).sentence(language).replace("routes.yaml", "")
    assert (
        router.decide(Ask(message="Refactor it"))
        .sentence("en")
        .startswith("This would go to large:mine, because")
    )
    assert router.decide(Ask(message="Refactor it")).as_wire("en")["because"][0]["params"]["line"] == 3


def test_without_a_file_the_default_model_answers(file: Path) -> None:
    router = Router(file)
    decision = router.decide(Ask())
    assert (decision.model, decision.rule, router.problems) == ("", "", [])
    assert "no rules" in decision.sentence("en")


def test_a_saved_file_counts_at_once(file: Path) -> None:
    router = Router(file)
    for model in ("a", "b", "c"):
        file.write_text(rules(model))
        assert router.decide(Ask()).model == model
    file.unlink()
    assert router.decide(Ask()).model == ""


def test_a_file_of_the_same_size_and_time_that_took_its_place_counts(file: Path) -> None:
    file.write_text(rules("a"))
    router = Router(file)
    router.decide(Ask())
    before = file.stat()
    other = file.with_name("other")
    other.write_text(rules("b"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)
    assert router.decide(Ask()).model == "b"


def test_nothing_is_read_while_nothing_changes(file: Path) -> None:
    asked: list[None] = []

    def known() -> set[str]:
        asked.append(None)
        return set()

    file.write_text(rules("a"))
    router = Router(file, known)
    for _ in range(3):
        router.decide(Ask())
    assert len(asked) == 1


def test_a_broken_file_leaves_the_last_good_rules_in_force(file: Path) -> None:
    file.write_text(rules("a"))
    router = Router(file)
    router.decide(Ask())
    file.write_text("rules:\n  - name: x\n    modle: y\n")
    assert router.decide(Ask()).model == "a"
    assert router.routes.rules[0].name == "only"
    assert {problem.params["line"] for problem in router.problems} == {2, 3}
    assert str(router.problems[-1]).startswith(f"{file}:3: ")
    file.write_text(rules("b"))
    assert (router.decide(Ask()).model, router.problems) == ("b", [])


@pytest.mark.parametrize("content", [b"\xff\xfe", b"rules: ["])
def test_a_file_that_never_made_sense_is_no_rules(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    router = Router(file)
    assert router.decide(Ask()).model == ""
    assert len(router.problems) == 1


def test_a_folder_is_no_file(file: Path) -> None:
    file.mkdir()
    assert [problem.key for problem in load(file).problems] == ["error.routes.unreadable"]


def test_a_byte_order_mark_is_no_matter(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + rules("a").encode())
    assert Router(file).decide(Ask()).model == "a"


def test_warnings_leave_the_rules_in_force(file: Path) -> None:
    file.write_text(rules("nobody"))
    router = Router(file, lambda: {"somebody"})
    assert router.decide(Ask()).model == "nobody"
    assert router.problems == []
    assert [problem.severity for problem in load(file, {"somebody"}).problems] == ["warning"]


def test_what_is_private_stays_here(file: Path) -> None:
    file.write_text("rules: [{name: a, model: cloud/x, fallbacks: [here, cloud/y, default]}]")
    router = Router(file, is_here=lambda name: name == "here")
    private = router.decide(Ask(private=True))
    assert (private.model, private.fallbacks, private.refused) == ("here", ("",), False)
    assert router.decide(Ask()).model == "cloud/x"
    file.write_text("rules: [{name: a, model: cloud/x, fallbacks: [cloud/y]}]")
    refused = router.decide(Ask(private=True))
    assert refused.refused and refused.as_wire("en")["refused"]
    for language in LANGUAGES:
        assert "cloud/x" in refused.sentence(language) and "cloud/y" not in refused.sentence(language)
    assert refused.sentence("en").startswith("This would be refused")
    file.unlink()
    assert not router.decide(Ask(private=True)).refused


def test_nobody_goes_by_rules_that_are_being_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks while the file is read waits for what it says."""
    folder = file.parent / "project"
    folder.mkdir()
    (folder / WORKSPACE_FILE).write_text(rules("theirs"))
    file.write_text(rules("mine", "workspaces: [project]"))
    router = Router(file)
    stale: list[bool] = []
    read = router_module.load

    def slow(*args: Any, **more: Any) -> Any:
        stale.append(router.stale)
        found = read(*args, **more)
        stale.append(router.stale)
        return found

    monkeypatch.setattr(router_module, "load", slow)
    assert router.decide(Ask(place=str(folder))).model == "theirs"
    assert stale == [True] * 4
    assert not router.stale


def test_a_file_that_is_saved_while_it_is_read_is_read_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(rules("a"))
    router = Router(file)
    read = router_module.load

    def saved_meanwhile(*args: Any, **more: Any) -> Any:
        found = read(*args, **more)
        monkeypatch.setattr(router_module, "load", read)
        file.write_text(rules("longer"))
        return found

    monkeypatch.setattr(router_module, "load", saved_meanwhile)
    router.refresh()
    assert router.stale
    assert router.decide(Ask()).model == "longer"


def test_a_place_is_looked_up_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(rules("mine", "workspaces: [a, b, c, d]"))
    router = Router(file)
    router.refresh()
    asked: list[str] = []
    real = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path: asked.append(path) or real(path))
    assert router.decide(Ask(place=str(file.parent / "d" / "x.py"))).model == "mine"
    assert len(asked) == 1


class TestWorkspaces:
    """Rules of a workspace's own."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "project"
        (folder / "src").mkdir(parents=True)
        (folder / WORKSPACE_FILE).write_text(rules("theirs"))
        return folder

    def test_they_are_ignored_unless_the_user_allows_them(self, file: Path, folder: Path) -> None:
        file.write_text(rules("mine"))
        assert Router(file).decide(Ask(place=str(folder))).model == "mine"

    def test_where_the_user_allows_them_they_come_first(self, file: Path, folder: Path) -> None:
        file.write_text(rules("mine", "workspaces: [project]"))
        router = Router(file)
        for place in (folder, folder / "src" / "a.py", folder / "src" / ".." / "x"):
            assert router.decide(Ask(place=str(place))).model == "theirs"
        for place in ("", "/", str(folder) + "-other", str(folder / ".." / "x"), "\0"):
            assert router.decide(Ask(place=place)).model == "mine"

    def test_what_fits_none_of_them_goes_by_the_users(self, file: Path, folder: Path) -> None:
        file.write_text(rules("mine", f"workspaces: {folder}"))
        (folder / WORKSPACE_FILE).write_text("rules: [{name: go, model: theirs, when: {language: go}}]")
        router = Router(file)
        assert router.decide(Ask(place=str(folder), language="go")).model == "theirs"
        assert router.decide(Ask(place=str(folder))).model == "mine"

    def test_they_change_and_break_like_the_users(self, file: Path, folder: Path) -> None:
        file.write_text(rules("mine", f"workspaces: {folder}"))
        router, ask = Router(file), Ask(place=str(folder))
        assert router.decide(ask).model == "theirs"
        (folder / WORKSPACE_FILE).write_text("workspaces: [/]")
        assert router.decide(ask).model == "theirs"
        assert [problem.params["file"] for problem in router.problems] == [str(folder / WORKSPACE_FILE)]
        (folder / WORKSPACE_FILE).unlink()
        assert (router.decide(ask).model, router.problems) == ("mine", [])
        file.write_text(rules("mine"))
        (folder / WORKSPACE_FILE).write_text(rules("theirs"))
        assert router.decide(ask).model == "mine"

    def test_links_lead_nowhere_else(self, file: Path, folder: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        (folder / "out").symlink_to(other)
        file.write_text(rules("mine", f"workspaces: {folder}"))
        assert Router(file).decide(Ask(place=str(folder / "out" / "a.py"))).model == "mine"
