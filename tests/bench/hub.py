"""The model hub: how fast it downloads, and how soon its panel is there."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from support.model_hub import FILE, NAME, REPOSITORY, ModelHub, model_hub
from support.panel_host import PanelHost, panel_host
from support.vscode import CHROMIUM_ARGUMENTS

ROUNDS = 5
OPENINGS = 12


def download() -> dict[str, Any]:
    """Megabytes a second of a pull, and of curl from the same server, turn by turn.

    Of a pull that is the transfer alone; beside it the whole of it, the hash of the file included. From a
    server as fast as a network of a gigabit, and from one that sends all at once.
    """
    return {name: _against_curl(step) for name, step in (("gigabit", 1_250_000), ("memory", None))}


def _against_curl(step: int | None) -> dict[str, Any]:
    ours: list[float] = []
    whole: list[float] = []
    curls: list[float] = []
    with tempfile.TemporaryDirectory() as place, model_hub() as hub, panel_host(Path(place)) as host:
        hub.step = step
        for number in range(ROUNDS + 1):
            curl, (transfer, all_of_it) = _curl(hub, Path(place)), _pull(hub, host)
            if number:
                curls.append(curl)
                ours.append(transfer)
                whole.append(all_of_it)
    rates = {"curl": curls, "pull": ours, "pull_and_check": whole}
    result: dict[str, Any] = {
        f"{name}_mb_s": round(statistics.median(each), 1) for name, each in rates.items()
    }
    ratio = statistics.median(mine / curl for mine, curl in zip(ours, curls, strict=True))
    return {**result, "ratio": round(ratio, 2)}


def _curl(hub: ModelHub, folder: Path) -> float:
    file = folder / "curl"
    url = f"{hub.url}/{REPOSITORY}/resolve/{hub.revision}/{FILE}"
    began = time.perf_counter()
    subprocess.run(["curl", "-sf", "-o", file, url], check=True)
    taken = time.perf_counter() - began
    file.unlink()
    return hub.size / taken / 1e6


def _pull(hub: ModelHub, host: PanelHost) -> tuple[float, float]:
    """Of the transfer alone, and of everything."""
    body = {"name": f"hf:{REPOSITORY}/{FILE}"}
    headers = {"Authorization": f"Bearer {host.token}"}
    began = first = last = time.perf_counter()
    with httpx.stream(
        "POST", f"{host.address}/models/pull", json=body, headers=headers, trust_env=False, timeout=60
    ) as answer:
        for line in answer.iter_lines():
            event = json.loads(line[6:]) if line else {}
            if event.get("phase") == "download":
                last = time.perf_counter()
                first = first if first > began else last
    taken = time.perf_counter() - began
    assert event == {} or event["phase"] == "ready"
    host.act("remove", "hub", name=NAME)
    return hub.size / (last - first) / 1e6, hub.size / taken / 1e6


def panel() -> dict[str, Any]:
    """Milliseconds from opening the hub's page in a browser that runs to its being drawn and usable."""
    from playwright.sync_api import sync_playwright

    opened: list[float] = []
    answered: list[float] = []
    with (
        tempfile.TemporaryDirectory() as place,
        panel_host(Path(place)) as host,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGUMENTS)
        for number in range(OPENINGS + 1):
            page = browser.new_context(viewport={"width": 1000, "height": 900}).new_page()
            link = host.link("hub")
            began = time.perf_counter()
            page.goto(link)
            page.get_by_role("button", name=re.compile("^Search")).wait_for()
            drawn = time.perf_counter()
            page.get_by_role("button", name="Details").first.click()
            page.get_by_role("columnheader", name="Property").wait_for()
            if number:
                opened.append((drawn - began) * 1000)
                answered.append((time.perf_counter() - drawn) * 1000)
            page.context.close()
        browser.close()
    return {
        "usable_ms_p50": round(statistics.median(opened), 1),
        "usable_ms_max": round(max(opened), 1),
        "first_press_answered_ms_p50": round(statistics.median(answered), 1),
    }
