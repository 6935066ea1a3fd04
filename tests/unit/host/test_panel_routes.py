"""`/panels…` on a host that is served for real."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ide_agent.host import panel_routes
from ide_agent.host.services import Services
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels.blocks import TextBlock


@pytest.fixture(autouse=True)
def opened(services: Services) -> list[Panel]:
    """The panels ``notes`` that were opened."""
    panels: list[Panel] = []

    async def opener(panel: Panel) -> None:
        panels.append(panel)
        panel.set(TextBlock(id="a", markdown="x"))

        async def more(event: PanelEvent) -> str:
            panel.append("a", str(event.args["text"]))
            return "added"

        panel.on("more", more)

    services.panels.offer("notes", "hub.panel.title", opener)
    return panels


async def events_of(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        if line:
            yield json.loads(line.removeprefix("data: "))


async def test_what_panels_there_are(host: httpx.AsyncClient) -> None:
    answer = await host.get("/panels?language=tr")
    assert answer.json() == {"panels": [{"name": "notes", "title": "Modeller"}]}
    assert (await host.get("/panels?language=fr")).status_code == 422


async def test_two_viewers_see_what_one_does(host: httpx.AsyncClient, opened: list[Panel]) -> None:
    async with (
        host.stream("GET", "/panels/notes/events") as one,
        host.stream("GET", "/panels/notes/events") as two,
    ):
        streams = [events_of(one), events_of(two)]
        for stream in streams:
            shown = await anext(stream)
            assert shown["panel"]["blocks"][0]["markdown"] == "x"
        answer = await host.post("/panels/notes/event", json={"action": "more", "args": {"text": "y"}})
        assert answer.json() == {"message": "added", "level": "info"}
        for stream in streams:
            patch = (await anext(stream))["patch"]
            assert patch["ops"] == [{"op": "append", "id": "a", "text": "y"}]
    assert len(opened) == 1
    state = (await host.get("/panels/notes")).json()
    assert state["blocks"][0]["markdown"] == "xy"


async def test_the_host_proves_that_it_knows_a_session(host: httpx.AsyncClient, services: Services) -> None:
    session = services.visitors.enter(services.visitors.invite())
    question = {"ends": session.partition(".")[0], "nonce": "n" * 16}
    answer = await host.post("/panels/prove", json=question, headers={"Authorization": ""})
    text = f"host {host.base_url.port} {question['nonce']}".encode()
    assert answer.json() == {"proof": hmac.new(session.encode(), text, hashlib.sha256).hexdigest()}
    for wrong in ({**question, "ends": "1.2"}, {**question, "nonce": ""}, {}):
        assert (await host.post("/panels/prove", json=wrong)).status_code == 422


@pytest.mark.parametrize("path", ["", "/events"])
async def test_a_panel_that_is_not_there(host: httpx.AsyncClient, path: str) -> None:
    answer = await host.get(f"/panels/nots{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "error.panel.unknown"


@pytest.mark.parametrize(
    ("event", "status"),
    [({"action": "other"}, 404), ({"action": ""}, 422), ({"action": "more", "x": 1}, 422)],
)
async def test_an_event_that_makes_no_sense(
    host: httpx.AsyncClient, event: dict[str, Any], status: int
) -> None:
    assert (await host.post("/panels/notes/event", json=event)).status_code == status


async def test_a_browser_comes_in_by_a_link(host: httpx.AsyncClient) -> None:
    link = (await host.post("/panels/notes/link?language=tr")).json()["url"]
    address, _, once = link.partition("#")
    assert address == f"{host.base_url}/panels/notes/page?language=tr"
    anybody = {"Authorization": ""}
    entered = await host.post("/panels/enter", json={"once": once}, headers=anybody)
    visitor = {"Authorization": f"Bearer {entered.json()['session']}"}
    assert (await host.get("/panels/notes", headers=visitor)).status_code == 200
    event = {"action": "more", "args": {"text": "y"}}
    assert (await host.post("/panels/notes/event", json=event, headers=visitor)).status_code == 200
    for path in ("/status", "/models", "/v1/models", "/panels"):
        assert (await host.get(path, headers=visitor)).status_code == 401
    assert (await host.post("/panels/notes/link", headers=visitor)).status_code == 401
    again = await host.post("/panels/enter", json={"once": once}, headers=anybody)
    assert again.status_code == 404
    assert again.json()["error"]["code"] == "error.panel.link"


async def test_the_page_is_open_and_runs_nothing_foreign(
    host: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anybody = {"Authorization": ""}
    monkeypatch.setattr(panel_routes, "files", lambda _: tmp_path)
    missing = await host.get("/panels/notes/page", headers=anybody)
    assert missing.json()["error"]["code"] == "error.panel.page"
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<!doctype html>")
    (tmp_path / "page" / "panel.js").write_text("'use strict'")
    (tmp_path / "page" / "other.js").write_text("secret")
    page = await host.get("/panels/notes/page", headers=anybody)
    assert page.text == "<!doctype html>"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert (await host.get("/panels/assets/panel.js", headers=anybody)).status_code == 200
    for name in ("other.js", "..%2findex.html", "%2e%2e"):
        assert (await host.get(f"/panels/assets/{name}", headers=anybody)).status_code in (401, 404)
