"""Routing rules in a real host, with a real engine."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.paths import models_dir, routes_file
from ide_agent.runtime import RuntimeInfo, call, ensure_host
from support.host_process import clean_home

pytestmark = pytest.mark.engine

RULES = """
rules:
  - name: python önce
    when: {language: python}
    model: nobody/knows
    fallbacks: [starter]
    limits: {max_tokens: 2}
  - name: the rest
    model: nobody
"""


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeInfo]:
    home = tmp_path_factory.mktemp("routing")
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text('[inference]\nengine = "xllamacpp"\nthreads = 1\n')
    with pytest.MonkeyPatch.context() as patch, clean_home(home):
        patch.setenv("IDE_AGENT_MODELS", str(models_dir()))
        patch.setenv("IDE_AGENT_HOME", str(home))
        yield ensure_host(60)


def ask(info: RuntimeInfo, path: str, body: dict[str, Any]) -> tuple[str, Any]:
    """The header that names the rule, and the answer."""
    headers = {**info.headers, "Content-Type": "application/json"}
    request = urllib.request.Request(info.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        text = answer.read().decode()
        return answer.headers.get("x-ide-agent-route", ""), text


def rule_for(info: RuntimeInfo, **body: Any) -> str:
    rule: str = call(info, "POST", "/routes/test", body)["rule"]
    return rule


def test_a_missing_model_gives_way_to_its_fallback(info: RuntimeInfo) -> None:
    routes_file().write_text(RULES, encoding="utf-8")
    body = {"prompt": "def f(", "max_tokens": 50, "ide_agent": {"language": "python"}}
    rule, text = ask(info, "/v1/completions", body)
    answer = json.loads(text)
    assert rule == "python %C3%B6nce"
    assert answer["model"] == "starter"
    assert answer["usage"]["completion_tokens"] <= 2
    rule, text = ask(info, "/v1/completions", {**body, "stream": True})
    assert rule == "python %C3%B6nce"
    assert '"model": "starter"' in text or '"model":"starter"' in text


def test_ghost_text_goes_by_the_rules(info: RuntimeInfo) -> None:
    routes_file().write_text(RULES, encoding="utf-8")
    body = {"document": "file:///a.py", "prefix": "def f(", "max_tokens": 30}
    _, text = ask(info, "/completion", {**body, "language": "python"})
    events = [json.loads(line[6:]) for line in text.split("\n") if line]
    assert events[0]["model"] == "starter"
    assert events[-1]["finish_reason"] == "length" or len(events) <= 4
    _, text = ask(info, "/completion", {**body, "language": "go"})
    start, *_, last = [json.loads(line[6:]) for line in text.split("\n") if line]
    assert start["model"] == "starter"  # the default model stands in, and says for whom
    assert start["notice"]["code"] == "error.routes.stand_in"
    assert start["notice"]["params"] == {"rule": "the rest", "model": "nobody"}
    assert last["type"] == "done"


def test_a_saved_file_counts_without_a_restart(info: RuntimeInfo) -> None:
    for number in range(5):
        routes_file().write_text(f"rules: [{{name: rule {number}, model: starter}}]")
        assert rule_for(info, message="x") == f"rule {number}"
    other = Path(f"{routes_file()}.new")
    other.write_text("rules: [{name: rule 9, model: starter}]")
    other.replace(routes_file())
    assert rule_for(info, message="x") == "rule 9"
    routes_file().unlink()
    assert rule_for(info, message="x") == ""


def test_a_broken_file_keeps_the_last_good_rules_and_is_told(info: RuntimeInfo) -> None:
    routes_file().write_text("rules: [{name: good, model: starter}]")
    assert rule_for(info, message="x") == "good"
    routes_file().write_text("rules:\n  - name: bad\n    modle: starter\n")
    assert rule_for(info, message="x") == "good"
    problems = call(info, "GET", "/status")["problems"]
    assert [problem["params"]["line"] for problem in problems if problem["type"] == "RoutesError"] == [2, 3]
    routes_file().write_text("rules: [{name: mended, model: starter}]")
    assert rule_for(info, message="x") == "mended"
    assert not [
        problem for problem in call(info, "GET", "/status")["problems"] if "routes" in problem["code"]
    ]


def test_a_hostile_expression_holds_nothing_up(info: RuntimeInfo) -> None:
    """Python's own engine would be at it for longer than the universe is old."""
    routes_file().write_text("rules: [{name: slow, model: starter, when: {message: '^(a+)+$'}}]")
    begin = time.monotonic()
    assert rule_for(info, message="a" * 3999 + "!") == ""
    assert time.monotonic() - begin < 60
