"""Which model answers for a purpose where nobody says."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ide_agent.inference.chosen import choose, chosen


def test_many_choose_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda n: choose(tmp_path, "text", f"m{n}"), range(64)):
            pass
    assert chosen(tmp_path)["text"].startswith("m")
    assert not list(tmp_path.glob("*.new"))


def test_two_purposes_chosen_at_once_are_both_kept(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        for n in range(20):
            list(
                pool.map(
                    lambda purpose, n=n: choose(tmp_path, purpose, f"{purpose}{n}"), ("text", "embedding")
                )
            )
            assert chosen(tmp_path) == {"text": f"text{n}", "embedding": f"embedding{n}"}
