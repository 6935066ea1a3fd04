"""How long routing rules take: a decision among 200 of them, and a saved file until it counts.

Prints JSON. The last rule is the only one that fits, so that every decision asks all of them.
Usage: python tests/bench/routing.py [ROUNDS]
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ide_agent.inference.routing.conditions import Ask
from ide_agent.inference.routing.router import Router

RULES = 200
MESSAGE = "Please explain what this function does and why it is slow. "


def rules(count: int, last: str) -> str:
    """`count` rules, each with a task, a path and an expression; the one at the end is called `last`."""
    lines = ["version: 1", "rules:"]
    for number in range(count - 1):
        lines += [
            f"  - name: rule {number}",
            f"    when: {{task: [chat, review], path: 'src/{number}/**', message: '(?i)refactor {number}'}}",
            f"    model: model-{number}",
            "    fallbacks: [starter]",
        ]
    lines += [f"  - name: {last}", "    model: starter"]
    return "\n".join(lines) + "\n"


def only_expressions(last: str) -> str:
    """As `rules`, with nothing before the expression that could spare it."""
    return re.sub(r"task: .*, message", "message", rules(RULES, last))


def without_words(last: str) -> str:
    """As `only_expressions`, of expressions that name no word which would have to be there."""
    return re.sub(
        r"\(\?i\)refactor (\d+)",
        lambda found: rf"\d[a-z]{{{int(found[1]) % 40 + 1}}}x",
        only_expressions(last),
    )


def timed(work: Callable[[], object], rounds: int) -> dict[str, float]:
    """Milliseconds of `work`."""
    taken: list[float] = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begin) * 1000)
    cuts = statistics.quantiles(taken, n=20)
    return {"p50_ms": round(statistics.median(taken), 3), "p95_ms": round(cuts[18], 3)}


def decisions(file: Path, text: str, ask: Ask, rounds: int) -> dict[str, float]:
    """Of decisions that ask all rules."""
    file.write_text(text, encoding="utf-8")
    router = Router(file)
    assert router.decide(ask).rule == "last"
    return timed(lambda: router.decide(ask), rounds)


def reload(file: Path, count: int, rounds: int) -> dict[str, float]:
    """From the moment a file is saved until a decision follows it."""
    router = Router(file)
    taken: list[float] = []
    for number in range(rounds + 1):
        file.write_text(rules(count, f"last {number}"), encoding="utf-8")
        begin = time.perf_counter()
        assert router.decide(Ask()).rule == f"last {number}"
        if number:  # the first one loads the parser
            taken.append((time.perf_counter() - begin) * 1000)
    return {"p50_ms": round(statistics.median(taken), 1), "most_ms": round(max(taken), 1)}


def measure(rounds: int = 2000) -> dict[str, Any]:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "routes.yaml")
        plain = Ask(path="src/app/main.py", message=MESSAGE)
        long = Ask(path="src/app/main.py", message=MESSAGE * 60)
        return {
            "decision": {
                "paths": decisions(file, rules(RULES, "last"), plain, rounds),
                "expressions": decisions(file, only_expressions("last"), plain, rounds),
                "expressions, 3.5 kB message": decisions(file, only_expressions("last"), long, rounds),
                "expressions without words, 3.5 kB": decisions(file, without_words("last"), long, rounds),
            },
            "reload": {f"{count} rules": reload(file, count, 20) for count in (20, 50, RULES)},
        }


def main() -> None:
    """Measure and print."""
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 2000), indent=2))


if __name__ == "__main__":
    main()
