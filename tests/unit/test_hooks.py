"""Plugins that are installed for real: entry points in a folder on the path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ide_agent.hooks import GROUP, Plugins, hookimpl
from support.plugins import install

TELLS = """
from ide_agent.hooks import hookimpl

@hookimpl
def register_cli(app):
    app.command("good")(lambda: None)
"""
FAILS = """
from ide_agent.hooks import hookimpl

@hookimpl
def register_cli(app):
    raise RuntimeError("no command today")
"""
WRONG_HOOK = """
from ide_agent.hooks import hookimpl

@hookimpl
def register_cli(app, and_what_nobody_offers):
    pass
"""


def test_an_installation_without_any_feature_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = Plugins()
    assert plugins.problems == []
    monkeypatch.setattr(sys, "path", [])
    plugins.load()
    assert [problem.key_used for problem in plugins.problems] == ["error.plugin.none"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module_anywhere", "no_such_module_anywhere"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (WRONG_HOOK, "PluginValidationError"),
        (FAILS, "RuntimeError: no command today"),
    ],
)
def test_a_plugin_that_fails_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, reason: str
) -> None:
    install(tmp_path, a_bad_one=source, good_one=TELLS, z_bad_one=source)
    monkeypatch.syspath_prepend(tmp_path)
    plugins = Plugins()
    plugins.load()
    app = typer.Typer()
    plugins.call("register_cli", app=app)
    assert [command.name for command in app.registered_commands] == ["good"]
    assert list(plugins.broken) == ["a_bad_one", "z_bad_one"]
    assert [problem.params["name"] for problem in plugins.problems] == ["a_bad_one", "z_bad_one"]
    for language in ("en", "tr"):
        assert reason in plugins.problems[0].message(language)


def test_the_features_are_plugins() -> None:
    plugins = Plugins()
    plugins.load()
    assert {"completion", "hub"} <= {name for name, _ in plugins.list_name_plugin()}
    assert plugins.broken == {}


def test_a_hook_gets_the_arguments_that_it_names() -> None:
    class Silent:
        called = 0

        @hookimpl
        def register_host(self) -> None:
            self.called += 1

    plugins, silent = Plugins(), Silent()
    plugins.register(silent)
    plugins.call("register_host", services=None)
    assert silent.called == 1
    assert plugins.broken == {}


def test_the_command_line_works_without_the_broken_one(tmp_path: Path) -> None:
    install(tmp_path, bad_one="raise KeyError('x')")
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "IDE_AGENT_HOME": str(tmp_path / "home"), "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-m", "ide_agent", "host", "status"],
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "No host is running.\n")
    assert "bad_one" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_group_is_that_of_the_project() -> None:
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'[project.entry-points."{GROUP}"]' in pyproject
