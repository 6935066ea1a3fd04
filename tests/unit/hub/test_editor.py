"""Commands and the offer, as an editor sees them on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.editor import settings
from ide_agent.editor.host_client import HostClient
from ide_agent.editor.server import EditorServer
from ide_agent.locale import translate
from support.editor import PATIENCE, Editor, RpcError, attached
from support.fake_host import Address, Call, FakeHost

MODEL = {"name": "starter", "file": "/models/starter.gguf", "bytes": 98}
PROGRESS = {"window": {"workDoneProgress": True}, "experimental": {"ideAgent": {"status": True}}}
ASK = "window/showMessageRequest"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setattr(settings, "_ANSWER_SECONDS", PATIENCE)  # a slow test is no silent client


@pytest.fixture
async def host() -> AsyncIterator[FakeHost]:
    fake = FakeHost()
    fake.routes["GET /models"] = lambda call: call.answer({"models": []})
    fake.routes["POST /models/pull"] = pulled
    fake.routes["POST /models/fit"] = lambda call: call.answer(fit("fits"))
    yield fake
    await fake.aclose()


def fit(verdict: str) -> dict[str, Any]:
    """What the host says of how a model fits."""
    memory = {"need": 9_000_000_000, "free": 1, "total": 8_000_000_000, "verdict": verdict}
    return {"name": "large", "here": False, "memory": memory, "instead": "small"}


def pulled(call: Call) -> None:
    call.head()
    call.event({"phase": "resolve", "done": 0, "total": 0, "speed": None, "eta": None})
    call.event({"phase": "download", "done": 49_000_000, "total": 98_000_000, "speed": 7e6, "eta": 7.0})
    call.event({"phase": "ready", **MODEL})
    call.end()


@pytest.fixture
async def address(host: FakeHost) -> Address:
    return await host.start()


@pytest.fixture
async def editor(address: Address) -> AsyncIterator[Editor]:
    server = EditorServer()
    server.host = HostClient(server, lambda _: address)
    async with attached(server) as client:
        yield client
        client.notify("exit")


def answer(editor: Editor, chosen: int | None) -> None:
    """Answer the question with the action at `chosen`; None: close it."""
    editor.answers[ASK] = lambda params: None if chosen is None else params["actions"][chosen]


async def asked_for_models(host: FakeHost) -> None:
    async with asyncio.timeout(30):
        while "GET /models" not in host.paths():
            await asyncio.sleep(0.005)


async def test_the_pull_command_shows_progress_and_returns_the_model(editor: Editor, host: FakeHost) -> None:
    host.routes["GET /models"] = lambda call: call.answer({"models": [MODEL]})
    await editor.initialize(PROGRESS, locale="tr-TR")
    assert await editor.command("ideAgent.models.pull", {"name": "starter"}) == MODEL
    assert [call.body for call in host.calls if call.method == "POST"] == [{"name": "starter"}] * 2
    shown = [params["value"] for params in editor.all("$/progress")]
    assert [value["kind"] for value in shown] == ["begin", "report", "report", "end"]
    assert shown[0]["title"] == "starter indiriliyor"
    assert shown[0]["cancellable"] is True
    assert shown[2]["percentage"] == 50
    assert shown[2]["message"] == "indiriliyor 49,0 / 98,0 MB, 7,0 MB/s, 0:07 kaldı"


async def test_without_a_name_the_starter_is_pulled(editor: Editor, host: FakeHost) -> None:
    await editor.initialize()
    assert await editor.command("ideAgent.models.pull", {}) == MODEL
    assert [call.body for call in host.calls if call.path == "/models/pull"] == [{"name": "starter"}]


async def test_cancelling_the_progress_closes_the_stream(editor: Editor, host: FakeHost) -> None:
    async def endless(call: Call) -> None:
        call.head()
        call.event({"phase": "download", "done": 1, "total": 2, "speed": None, "eta": None})
        await call.gone.wait()

    host.routes["POST /models/pull"] = endless
    await editor.initialize(PROGRESS)
    _, running = editor.begin(
        "workspace/executeCommand", {"command": "ideAgent.models.pull", "arguments": [{"name": "starter"}]}
    )
    report = await editor.wait_for("$/progress", lambda params: params["value"]["kind"] == "report")
    editor.notify("window/workDoneProgress/cancel", {"token": report["token"]})
    with pytest.raises(RpcError):
        await asyncio.wait_for(running, 30)
    [call] = [call for call in host.calls if call.path == "/models/pull"]
    await asyncio.wait_for(call.gone.wait(), 30)


async def test_a_failed_pull_says_why_in_the_users_language(editor: Editor, host: FakeHost) -> None:
    def failing(call: Call) -> None:
        params = {"name": "starter", "path": "/models", "need_mb": 700, "free_mb": 3}
        wire = {"message": "x", "type": "DownloadError", "code": "error.download.disk_full", "params": params}
        call.head()
        call.event({"type": "error", "error": wire})
        call.end()

    host.routes["POST /models/pull"] = failing
    await editor.initialize(locale="tr")
    with pytest.raises(RpcError, match="700 MB gerekiyor"):
        await editor.command("ideAgent.models.pull", {"name": "starter"})


async def test_the_list_command_returns_what_the_host_says(editor: Editor, host: FakeHost) -> None:
    models = [{**MODEL, "architecture": "llama", "fim": False, "loaded": True}]
    host.routes["GET /models"] = lambda call: call.answer({"models": models})
    await editor.initialize()
    assert await editor.command("ideAgent.models.list", {}) == {"models": models}


@pytest.mark.parametrize(
    ("locale", "question", "actions", "ready"),
    [
        (
            "en",
            "Download the starter model (93 MB to download)?",
            ["Download", "Other models", "Not now"],
            "starter is ready",
        ),
        (
            "tr",
            "Başlangıç modeli (93 MB inecek) indirilsin mi?",
            ["İndir", "Başka modeller", "Şimdi değil"],
            "starter hazır",
        ),
    ],
)
async def test_the_first_use_offers_the_starter_model(
    editor: Editor, host: FakeHost, locale: str, question: str, actions: list[str], ready: str
) -> None:
    answer(editor, 0)
    await editor.initialize(PROGRESS, locale=locale)
    said = await editor.wait_for("window/showMessage")
    assert ready in said["message"]
    [asked] = editor.all(ASK)
    assert question in asked["message"]
    assert [action["title"] for action in asked["actions"]] == actions
    assert [call.body for call in host.calls if call.path == "/models/pull"] == [{"name": "starter"}]
    assert "noModel" in [status["state"] for status in editor.all("ideAgent/status")]


async def test_who_wants_another_model_gets_the_panel(editor: Editor, host: FakeHost, tmp_path: Path) -> None:
    url = "http://127.0.0.1:1/panels/hub"
    host.routes["POST /panels/hub/link?language=en"] = lambda call: call.answer({"url": url})
    answer(editor, 1)
    await editor.initialize(PROGRESS)
    said = await editor.wait_for("window/showMessage")
    assert url in said["message"]
    assert "POST /models/pull" not in host.paths()
    assert not (tmp_path / "state" / "starter-declined").exists()


async def test_a_machine_with_a_model_is_not_asked(editor: Editor, host: FakeHost) -> None:
    host.routes["GET /models"] = lambda call: call.answer({"models": [MODEL]})
    await editor.initialize()
    await asked_for_models(host)
    await editor.command("ideAgent.models.list", {})
    assert editor.all(ASK) == []


async def _second_session(address: Address) -> list[Any]:
    """What a second editor is asked."""
    server = EditorServer()
    server.host = HostClient(server, lambda _: address)
    async with attached(server) as again:
        answer(again, None)
        await again.initialize(PROGRESS)
        await again.wait_for("ideAgent/status", lambda status: status["state"] == "noModel")
        await again.command("ideAgent.models.list", {})
        again.notify("exit")
        return again.all(ASK)


async def test_not_now_is_remembered(
    editor: Editor, host: FakeHost, address: Address, tmp_path: Path
) -> None:
    answer(editor, 2)
    await editor.initialize(PROGRESS)
    async with asyncio.timeout(30):
        while not (tmp_path / "state" / "starter-declined").exists():
            await asyncio.sleep(0.005)
    assert await _second_session(address) == []
    assert "POST /models/pull" not in host.paths()


async def test_a_question_that_was_closed_comes_again(
    editor: Editor, host: FakeHost, address: Address
) -> None:
    answer(editor, None)
    await editor.initialize(PROGRESS)
    await editor.wait_for(ASK)
    await editor.command("ideAgent.models.list", {})
    assert len(await _second_session(address)) == 1
    assert "POST /models/pull" not in host.paths()


async def test_the_question_waits_for_the_settings_which_choose_its_language(
    editor: Editor, host: FakeHost
) -> None:
    asked = "workspace/configuration"
    answer(editor, 2)
    del editor.answers[asked]
    await editor.initialize({"workspace": {"configuration": True}}, locale="en")
    await editor.wait_for(asked)
    await editor.command("ideAgent.host.status")
    assert "GET /models" not in host.paths()
    editor.answers[asked] = [{"locale": "tr"}]
    editor.notify("workspace/didChangeConfiguration", {"settings": None})
    question = await editor.wait_for(ASK)
    assert question["message"] == translate("hub.offer.question", "tr")


async def test_a_model_by_address(editor: Editor, host: FakeHost) -> None:
    await editor.initialize(PROGRESS)
    url = "https://example.org/m.gguf"
    assert await editor.command("ideAgent.models.pull", {"url": url, "name": "mine"}) == MODEL
    [asked] = [call.body for call in host.calls if call.path == "/models/pull"]
    assert asked == {"url": url, "name": "mine", "sha256": ""}


@pytest.mark.parametrize(("chosen", "comes"), [(0, True), (1, False), (None, False)])
async def test_what_does_not_fit_is_asked_about(
    editor: Editor, host: FakeHost, chosen: int | None, comes: bool
) -> None:
    host.routes["GET /models"] = lambda call: call.answer({"models": [MODEL]})
    host.routes["POST /models/fit"] = lambda call: call.answer(fit("too_big"))
    answer(editor, chosen)
    await editor.initialize(PROGRESS)
    found = await editor.command("ideAgent.models.pull", {"name": "large"})
    question = await editor.wait_for(ASK)
    assert "large needs about 9.0 GB" in question["message"] and "What fits: small." in question["message"]
    assert found == (MODEL if comes else {})
    assert ("POST /models/pull" in host.paths()) is comes


async def test_who_was_asked_is_not_asked_again(editor: Editor, host: FakeHost) -> None:
    await editor.initialize(PROGRESS)
    assert await editor.command("ideAgent.models.pull", {"name": "large", "confirmed": True}) == MODEL
    assert "POST /models/fit" not in host.paths()


async def test_what_is_known_of_a_model(editor: Editor, host: FakeHost) -> None:
    known = {"name": "my model/x", "bytes": 1}
    host.routes["GET /models/my%20model/x"] = lambda call: call.answer(known)
    host.routes["POST /models/verify"] = lambda call: call.answer({**known, "asked": call.body})
    await editor.initialize()
    assert await editor.command("ideAgent.models.info", {"name": "my model/x"}) == known
    found = await editor.command("ideAgent.models.verify", {"name": "x"})
    assert found == {**known, "asked": {"name": "x"}}
    with pytest.raises(RpcError):
        await editor.command("ideAgent.models.info", {})


async def test_activating_and_deactivating(host: FakeHost, editor: Editor) -> None:
    ready = {"name": "starter", "engine": "fake", "purpose": "text"}

    def activated(call: Call) -> None:
        call.head()
        call.event({"phase": "loading", "name": "starter"})
        call.event({"phase": "ready", **ready})
        call.end()

    host.routes["POST /models/activate"] = activated
    host.routes["POST /models/deactivate"] = lambda call: call.answer({"deactivated": 1})
    given = {"name": "starter"}
    await editor.initialize()
    assert await editor.command("ideAgent.models.activate", given) == ready
    assert await editor.command("ideAgent.models.deactivate", given) == {"deactivated": 1}


FOUND = {"name": "mine", "bytes": 98_000_000, "loaded": True, "adapters": None}


@pytest.fixture
def removable(host: FakeHost) -> FakeHost:
    for query in ("&dry_run=true", "&force=true"):
        host.routes[f"DELETE /models/mine?adapters=false{query}"] = lambda call: call.answer(FOUND)
    own = {"count": 2, "bytes": 3_000_000, "folder": "/m/adapters"}
    host.routes["GET /models"] = lambda call: call.answer({"models": [MODEL]})
    host.routes["DELETE /models/mine?adapters=true&dry_run=true"] = lambda call: call.answer(
        {**FOUND, "loaded": False, "adapters": own}
    )
    return host


def deleted(host: FakeHost) -> list[str]:
    return [call.path.partition("?")[2] for call in host.calls if call.method == "DELETE"]


@pytest.mark.parametrize(("chosen", "removed"), [(0, True), (1, False), (None, False)])
async def test_a_model_is_removed_once_the_user_is_sure(
    editor: Editor, removable: FakeHost, chosen: int | None, removed: bool
) -> None:
    answer(editor, chosen)
    await editor.initialize(locale="tr")
    assert await editor.command("ideAgent.models.remove", {"name": "mine"}) == {**FOUND, "removed": removed}
    assert deleted(removable)[1:] == (["adapters=false&force=true"] if removed else [])
    question = editor.all(ASK)[-1]
    assert question["message"].startswith("mine bellekte")
    assert "98,0 MB" in question["message"]
    assert [each["title"] for each in question["actions"]] == ["Kaldır", "Kalsın"]


async def test_whose_adapters_go_is_said_first(editor: Editor, removable: FakeHost) -> None:
    answer(editor, 1)
    await editor.initialize()
    given = {"name": "mine", "adapters": True}
    assert (await editor.command("ideAgent.models.remove", given))["removed"] is False
    assert "Its adapters go, too (2, 3.0 MB in /m/adapters)." in editor.all(ASK)[-1]["message"]


async def test_an_editor_that_cannot_ask_has_to_say_that_the_user_was(
    editor: Editor, removable: FakeHost
) -> None:
    editor.answers[ASK] = RpcError({"code": -32601, "message": "no such method"})
    await editor.initialize()
    with pytest.raises(RpcError, match="confirmed: true"):
        await editor.command("ideAgent.models.remove", {"name": "mine"})
    assert len(deleted(removable)) == 1
    given = {"name": "mine", "confirmed": True}
    assert (await editor.command("ideAgent.models.remove", given))["removed"] is True
    assert deleted(removable)[1:] == ["adapters=false&force=true"]
