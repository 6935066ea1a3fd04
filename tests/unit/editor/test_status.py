from __future__ import annotations

from ide_agent.editor.server import EditorServer
from ide_agent.errors import BudgetSpent, ModelNotFound
from support.editor import attached

SHOWS = {"experimental": {"ideAgent": {"status": True}}}


async def test_status_goes_to_clients_that_show_it_and_only_when_it_changes(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize(SHOWS)
        await editor.wait_for("ideAgent/status", lambda status: status == {"state": "ready"})
        server.status.show("working", model="starter", engine="xllamacpp", progress=0)
        server.status.show("working", model="starter", engine="xllamacpp", progress=0)
        server.status.repeat()
        server.status.show("off")
        await editor.wait_for("ideAgent/status", lambda status: status == {"state": "off"})
        working = {"state": "working", "model": "starter", "engine": "xllamacpp", "progress": 0}
        assert editor.all("ideAgent/status").count(working) == 2


async def test_other_clients_hear_nothing_but_it_is_remembered(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize()
        server.status.show("noModel", message="m")
        await editor.command("ideAgent.host.status")
        assert editor.all("ideAgent/status") == []
        assert (server.status.last.state, server.status.last.message) == ("noModel", "m")


async def test_events_of_the_host_are_put_into_words(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize(SHOWS, locale="tr")
        await editor.wait_for("ideAgent/status", lambda status: status == {"state": "ready"})
        error = ModelNotFound(name="m")
        server.host_event({"type": "status", "state": "error", "error": error.as_wire(), "progress": 41.6})
        server.host_event({"type": "something else", "state": "off"})
        shown = await editor.wait_for("ideAgent/status", lambda status: status["state"] == "error")
        assert shown == {"state": "error", "message": error.message("tr"), "progress": 42}
        assert server.status.last.state == "error"


async def test_while_suggestions_are_off_only_what_concerns_the_user_is_shown(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize(SHOWS)
        await editor.wait_for("ideAgent/status", lambda status: status == {"state": "ready"})
        server.status.switch(on=False)
        server.host_event({"type": "status", "state": "loading", "model": "m"})
        server.host_event({"type": "status", "state": "ready", "model": "m"})
        server.host_event({"type": "status", "state": "downloading", "progress": 4})
        server.host_event({"type": "status", "state": "ready", "model": "m"})
        server.host_event({"type": "status", "state": "error", "message": "e"})
        server.host_event({"type": "status", "state": "noModel"})
        server.status.switch(on=False)
        server.host_event({"type": "status", "state": "ready", "model": "m"})
        server.status.switch(on=True)
        await editor.command("ideAgent.host.status")
        shown = [status["state"] for status in editor.all("ideAgent/status")]
        assert shown[shown.index("off") :] == ["off", "downloading", "off", "error", "off", "ready"]
        assert editor.all("ideAgent/status")[-1] == {"state": "ready", "model": "m"}


async def test_a_notice_of_the_host_is_shown_in_the_users_language(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize(SHOWS, locale="tr")
        notice = BudgetSpent(
            "error.remote.tokens_near", used="8", limit="10", scope="remote", setting="remote.tokens_per_day"
        )
        server.host_event({"type": "notice", "error": notice.as_wire()})
        shown = await editor.wait_for("window/showMessage")
        assert shown["message"] == notice.message("tr")


async def test_the_line_says_whether_the_model_is_in_memory(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize(SHOWS, locale="en")
        await editor.wait_for("ideAgent/status", lambda status: status == {"state": "ready"})
        about = {"state": "ready", "model": "starter", "format": "gguf/q4_1"}
        server.status.forward(about)
        server.status.forward({**about, "loaded": False})
        server.status.forward({"state": "ready", "model": ""})
        await editor.wait_for("ideAgent/status", lambda status: status.get("model") == "")
        lines = [
            (each["model"], each.get("text")) for each in editor.all("ideAgent/status") if "model" in each
        ]
    assert lines == [
        ("starter", "starter (gguf/q4_1) 🟢 Running"),
        ("starter", "starter (gguf/q4_1) ⚪ Not loaded"),
        ("", None),
    ]
