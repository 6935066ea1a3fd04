""":IdeAgent, the status line, help, health, and what the server asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = pytest.mark.e2e

RULE: dict[str, Any] = {"id": "c1", "after": "return ", "chunks": ["1"]}
ASK = {"message": "There is no model yet.", "actions": ["Get it", "Not now"]}


def says(session: Session, text: str) -> None:
    """Wait until the message is on the screen, and give the key that a long one waits for."""
    session.nvim.until(lambda: text in "".join(session.nvim.screen.display))
    if "Press ENTER" in session.nvim.text():
        session.nvim.type("\r")
        session.nvim.until(lambda: "Press ENTER" not in session.nvim.text())


def test_without_a_model_it_asks_once_the_user_stops_typing(session: Session) -> None:
    status = {"state": "noModel", "message": "There is no model yet."}
    session.script({"status": status, "ask": ASK, "rules": []})
    session.start(init="vim.api.nvim_create_autocmd('VimEnter', { command = 'startinsert' })")
    session.nvim.until(lambda: "IDE-Agent no model" in session.nvim.text())
    session.nvim.type("x = 1")
    session.nvim.until(lambda: session.nvim.buffer() == ["x = 1"])
    assert "Get it" not in session.nvim.text()
    session.nvim.type("\x1b")
    session.nvim.until(lambda: "1: Get it" in session.nvim.text())
    session.nvim.type("1\r")
    session.nvim.until(lambda: session.log("chosen", title="Get it"))


def test_what_the_server_says_waits_until_the_user_stops_typing(session: Session) -> None:
    session.script({"tell": "The engine stopped.", "status": {"state": "error"}, "rules": [RULE]})
    session.start(init="vim.api.nvim_create_autocmd('VimEnter', { command = 'startinsert' })")
    session.nvim.until(lambda: "IDE-Agent error" in session.nvim.text())
    session.nvim.type("return ")
    session.shows("1")
    assert "The engine stopped" not in session.nvim.text()
    session.nvim.type("\x1b")
    says(session, "IDE-Agent: The engine stopped.")


def test_the_status_line_follows_the_server(session: Session) -> None:
    session.script({"status": {"state": "downloading", "model": "starter", "progress": 42}})
    session.start()
    session.nvim.until(lambda: "IDE-Agent downloading 42 %" in session.nvim.text())


def test_the_status_line_speaks_turkish(session: Session) -> None:
    session.script({"status": {"state": "loading", "model": "starter"}})
    session.start(init="vim.g.ide_agent = { language = 'tr' }")
    session.nvim.until(lambda: "IDE-Agent yükleniyor" in session.nvim.text())
    assert session.log("initialize")[0]["options"] == {"language": "tr"}


def test_the_server_is_told_what_this_client_can_do(session: Session) -> None:
    session.start()
    assert session.log("initialize")[0]["experimental"] == {
        "ideAgent": {"inlineCompletionMore": True, "status": True}
    }


def test_off_and_on(session: Session) -> None:
    session.script({"status": {"state": "ready", "model": "starter"}, "rules": [RULE]})
    session.start(content="return \n")
    session.nvim.until(lambda: "IDE-Agent starter" in session.nvim.text())
    session.nvim.type(":IdeAgent toggle\r")
    session.nvim.until(lambda: "IDE-Agent off" in session.nvim.text())
    session.nvim.until(lambda: session.log("command", argument={"enabled": False}))
    session.nvim.type("A")
    session.nvim.until(lambda: session.nvim.mode() == "i")
    session.normal()
    session.nvim.type(":IdeAgent toggle\r")
    session.nvim.until(lambda: session.log("command", argument={"enabled": True}))
    session.nvim.type("A")
    session.shows("1")
    assert len(session.log("request")) == 1


def test_off_in_one_buffer(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start(content="return \n")
    session.nvim.type(":IdeAgent disable buffer\r")
    says(session, "suggestions are off in this buffer")
    session.nvim.type("A")
    session.nvim.until(lambda: session.nvim.mode() == "i")
    session.normal()
    (session.project / "b.py").write_text("return \n")
    session.nvim.type(f":edit {session.project}/b.py\r")
    session.nvim.until(lambda: len(session.log("open")) == 2)
    session.nvim.until(session.attached)
    session.nvim.type("A")
    session.shows("1")
    assert len(session.log("request")) == 1
    assert session.log("command", command="ideAgent.completion.toggle") == []


def test_off_takes_away_what_shows(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start()
    session.nvim.type("ireturn ")
    session.shows("1")
    session.nvim.lua("require('ide_agent').enable(false)")
    assert session.ghost() == ""


def test_models_pull_native_and_status(session: Session) -> None:
    session.start()
    session.nvim.type(":IdeAgent models\r")
    says(session, "* starter  92 MB  llama")
    session.nvim.type(":IdeAgent pull\r")
    says(session, "starter is here (92 MB)")
    assert session.log("command", command="ideAgent.models.pull")[0]["argument"] == {"name": "starter"}
    session.nvim.type(":IdeAgent native\r")
    says(session, "llama-cpp-python: 60")
    session.nvim.type(":IdeAgent restart host\r")
    says(session, "the host was restarted")
    session.nvim.type(":IdeAgent status\r")
    says(session, "host: 0.1.0, pid 4711")


def test_an_unknown_subcommand_names_the_known_ones(session: Session) -> None:
    session.start()
    session.nvim.type(":IdeAgent dance\r")
    says(session, "unknown subcommand “dance”. One of: disable, enable, health")


def test_restart_starts_a_new_server_for_the_same_buffer(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start()
    session.nvim.type(":IdeAgent restart\r")
    session.nvim.until(lambda: len(session.log("initialize")) == 2)
    session.nvim.until(session.attached)
    session.nvim.type("ireturn ")
    session.shows("1")


def test_a_server_that_dies_is_replaced(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start()
    session.nvim.type("ireturn ")
    session.shows("1")
    session.kill_server()
    says(session, "quit with exit code")
    session.nvim.until(lambda: len(session.log("initialize")) == 2)
    session.nvim.until(session.attached)
    session.nvim.type("\x15return ")
    session.shows("1")
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["return 1"])


def test_a_server_that_keeps_dying_is_given_up(session: Session) -> None:
    starts = session.folder / "starts"
    session.start(server=["sh", "-c", f"echo >> {starts}; exit 1"], wait=False)

    def given_up() -> bool:
        if "Press ENTER" in session.nvim.text():
            session.nvim.type("\r")
        return starts.exists() and len(starts.read_text()) == 4

    session.nvim.until(given_up)
    session.nvim.until(lambda: given_up() and "Press ENTER" not in session.nvim.text())
    session.nvim.type("ix")
    session.nvim.until(lambda: session.nvim.buffer() == ["x"])
    assert session.nvim.lua("return #vim.lsp.get_clients({ name = 'ide_agent' })") == 0


def test_a_missing_server_is_named_once_and_not_while_typing(session: Session) -> None:
    session.start(server=["no-such-program"], wait=False)
    session.nvim.type("ix")
    session.nvim.until(lambda: session.nvim.buffer() == ["x"])
    assert "no-such-program" not in session.nvim.text()
    session.nvim.type("\x1b")
    says(session, "“no-such-program” is not on your PATH")
    session.nvim.type("ay\x1b")
    session.nvim.until(lambda: session.nvim.buffer() == ["xy"])
    assert session.nvim.lua("return vim.fn.execute('messages')").count("no-such-program") == 1


def test_health(session: Session) -> None:
    session.start()
    session.nvim.type(":IdeAgent health\r")
    session.nvim.until(lambda: any("model starter (loaded)" in line for line in session.nvim.buffer()))
    report = "\n".join(session.nvim.buffer())
    assert "ERROR" not in report
    assert "suggestions are drawn by the plugin" in report
    assert "accept: <Tab>" in report


def test_help(session: Session) -> None:
    session.start()
    session.nvim.type(":helptags ++t ALL\r:help ide-agent\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.bo.filetype") == "help")
    assert "*ide-agent*" in "\n".join(session.nvim.buffer())
