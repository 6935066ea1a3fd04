""":IdeAgent, the status line, help, health, and what the server asks."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import PLUGIN

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = pytest.mark.e2e

RULE: dict[str, Any] = {"id": "c1", "after": "return ", "chunks": ["1"]}
ASK = {"message": "There is no model yet.", "actions": ["Get it", "Not now"]}


def test_without_a_model_it_asks_once_the_user_stops_typing(session: Session) -> None:
    status = {"state": "noModel", "message": "There is no model yet."}
    session.script({"status": status, "ask": ASK, "rules": []})
    session.start(init="vim.o.updatetime = 3600000")
    session.nvim.until(lambda: "IDE-Agent no model" in session.nvim.text())
    session.nvim.type("ix = 1\x1byyp")
    session.becomes("x = 1", "x = 1")
    assert "Get it" not in session.nvim.text()
    session.nvim.lua("vim.o.updatetime = 50")
    session.nvim.type("i")
    session.nvim.until(lambda: session.nvim.mode() == "i")
    session.nvim.lua("vim.wait(200)")  # a question would come now
    assert "Get it" not in session.nvim.text()
    session.nvim.type("\x1b")
    session.nvim.until(lambda: "1: Get it" in session.nvim.text())
    session.nvim.type("1\r")
    session.nvim.until(lambda: session.log("chosen", title="Get it"))


def test_without_a_model_it_says_once_where_models_are(session: Session) -> None:
    session.script({"status": {"state": "noModel"}})
    for count in (1, 0):  # and not at the next start
        session.start()
        session.nvim.until(lambda: "IDE-Agent no model" in session.nvim.text())
        session.nvim.type(":IdeAgent native\r")
        session.says("llama-cpp-python: 60")
        said = session.nvim.lua("return vim.fn.execute('messages')")
        assert said.count(":IdeAgent models shows what can be had") == count
        if count:
            session.nvim.close()


def test_where_there_is_a_model_nothing_is_said_of_any(session: Session) -> None:
    session.script({"status": {"state": "ready", "model": "starter"}})
    session.start()
    session.nvim.until(lambda: "IDE-Agent starter" in session.nvim.text())
    assert ":IdeAgent models" not in session.nvim.lua("return vim.fn.execute('messages')")


def test_what_the_server_says_waits_until_the_user_stops_typing(session: Session) -> None:
    session.script({"tell": "The engine stopped.", "status": {"state": "error"}, "rules": [RULE]})
    session.start(init="vim.api.nvim_create_autocmd('VimEnter', { command = 'startinsert' })")
    session.nvim.until(lambda: "IDE-Agent error" in session.nvim.text())
    session.nvim.type("return ")
    session.shows("1")
    assert "The engine stopped" not in session.nvim.text()
    session.nvim.type("\x1b")
    session.says("IDE-Agent: The engine stopped.")


@pytest.mark.parametrize("kind", ["Info", "Warning", "Error"])
@pytest.mark.parametrize("rest", ["/a/rather/long/folder" * 10, "/a\nand another line"])
def test_a_long_message_waits_for_no_key(session: Session, kind: str, rest: str) -> None:
    text = "The model is here: " + rest
    session.script({"tell": text, "kind": kind})
    session.start(init="vim.opt.messagesopt = 'hit-enter,history:500'")
    session.nvim.until(lambda: "IDE-Agent: The model is here: /a" in session.nvim.text())
    session.nvim.type("ix")
    session.nvim.until(lambda: session.nvim.buffer() == ["x"])
    assert "Press ENTER" not in session.nvim.text()
    assert session.nvim.lua("return vim.fn.execute('messages')").count(text) == 1


def test_the_progress_of_a_download_shows_without_a_status_line(session: Session) -> None:
    session.script({"status": {"state": "downloading", "progress": 42}})
    session.start(init="vim.o.statusline = ''")
    session.nvim.until(lambda: "IDE-Agent: downloading 42 %" in session.nvim.text())
    assert "downloading" not in session.nvim.lua("return vim.fn.execute('messages')")


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
        "ideAgent": {"inlineCompletionMore": True, "status": True, "panels": True}
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


def test_off_stays_off_when_the_server_dies(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start()
    session.nvim.type(":IdeAgent toggle\r")
    session.nvim.until(lambda: session.log("command", argument={"enabled": False}))
    session.signal_server(signal.SIGKILL)
    session.nvim.until(lambda: len(session.log("initialize")) == 2)
    session.nvim.until(lambda: len(session.log("command", argument={"enabled": False})) == 2)
    session.nvim.until(session.attached)
    session.nvim.type(f":edit {session.project}/b.py\r")
    session.nvim.until(lambda: len(session.log("open")) == 3)
    session.nvim.type(":IdeAgent toggle\r")
    session.nvim.until(lambda: session.log("command", argument={"enabled": True}))
    assert len(session.log("command", command="ideAgent.completion.toggle")) == 3, "once to each server"


def test_toggle_flips_the_switch_it_names(session: Session) -> None:
    session.start()
    session.nvim.type(":IdeAgent disable buffer\r")
    session.says("suggestions are off in this buffer")
    session.nvim.type(":IdeAgent toggle\r")
    session.nvim.until(lambda: "IDE-Agent off" in session.nvim.text())
    session.nvim.type(":IdeAgent toggle buffer\r")
    session.says("suggestions are on in this buffer, but off everywhere")
    session.nvim.type(":IdeAgent disable buffer\r:IdeAgent toggle\r")
    session.says("suggestions are on, but not in this buffer")
    assert not session.nvim.lua("return require('ide_agent').is_enabled()")
    session.nvim.type(":IdeAgent toggle buffer\r")
    session.nvim.until(lambda: session.nvim.lua("return require('ide_agent').is_enabled()"))


def test_off_in_one_buffer(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start(content="return \n")
    session.nvim.type(":IdeAgent disable buffer\r")
    session.says("suggestions are off in this buffer")
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


def test_pull_native_and_status(session: Session) -> None:
    session.start()
    session.nvim.type(":IdeAgent pull\r")
    session.says("starter is here (92 MB)")
    assert session.log("command", command="ideAgent.models.pull")[0]["argument"] == {"name": "starter"}
    session.nvim.type(":IdeAgent native\r")
    session.says("llama-cpp-python: 60")
    session.nvim.type(":IdeAgent restart host\r")
    session.says("the host was restarted")
    session.nvim.type(":IdeAgent status\r")
    session.says("host: 0.1.0, pid 4711")


def test_a_pull_is_told_of_once_it_was_agreed_to(session: Session) -> None:
    session.script({"fits": {"message": "It does not fit.", "actions": ["Download", "Leave it"]}})
    session.start(init="vim.o.updatetime = 50")
    nvim = session.nvim

    def messages() -> str:
        said: str = nvim.lua("return vim.fn.execute('messages')")
        return said

    nvim.type(":IdeAgent pull\r")
    nvim.until(lambda: "It does not fit." in nvim.text())
    assert "fetching" not in messages()
    nvim.type("2\r")
    session.says("nothing was downloaded: starter was declined")
    assert "fetching" not in messages()
    nvim.type(":IdeAgent pull\r")
    nvim.until(lambda: "It does not fit." in nvim.text())
    nvim.type("1\r")
    session.says("starter is here (92 MB)")
    assert messages().count("fetching starter") == 1


def test_status_says_what_is_wrong(session: Session) -> None:
    session.script({"status": {"state": "error", "message": "The engine did not start: no memory."}})
    session.start()
    session.nvim.until(lambda: "IDE-Agent error" in session.nvim.text())
    session.nvim.type(":IdeAgent status\r")
    session.says("The engine did not start: no memory.")


def test_an_unknown_subcommand_names_the_known_ones(session: Session) -> None:
    session.start()
    session.nvim.type(":IdeAgent dance\r")
    session.says("unknown subcommand “dance”. One of: disable, enable, health")


def test_arguments_that_a_subcommand_does_not_take_are_refused(session: Session) -> None:
    session.start()
    for given, wrong, usage in [
        ("native --help", "--help", "native"),
        ("toggle bogus", "bogus", "toggle [buffer]"),
        ("toggle buffer bogus", "bogus", "toggle [buffer]"),
        ("restart hots", "hots", "restart [host]"),
        ("pull --help", "--help", "pull [starter]"),
    ]:
        session.nvim.type(f":IdeAgent {given}\r")
        session.says(f"“{wrong}” does not belong there. Usage: :IdeAgent {usage}")
        session.nvim.type(":messages clear\r")
        session.nvim.until(lambda: session.nvim.lua("return vim.fn.execute('messages')") == "")
    assert session.log("command") == []
    session.nvim.type(":IdeAgent pull other\r")
    session.nvim.until(lambda: session.log("command", argument={"name": "other"}))


def test_restart_tells_what_it_ends(session: Session) -> None:
    session.script({"work": "Building the engine"})
    session.start()
    session.nvim.until(lambda: session.log("work"))
    session.nvim.until(
        lambda: session.nvim.lua("return next(vim.lsp.get_clients()[1].progress.pending) ~= nil")
    )
    session.nvim.type(":IdeAgent restart\r")
    session.says("the restart ends: Building the engine")
    session.nvim.until(lambda: len(session.log("initialize")) == 2)


def test_log_opens_what_the_server_wrote(session: Session) -> None:
    home = session.folder / "ide-agent"
    session.start(init=f"vim.env.IDE_AGENT_HOME = '{home}'\nvim.lsp.log.set_level('OFF')")
    session.nvim.type(":IdeAgent log\r")
    session.says("nothing was written yet")
    (home / "state").mkdir(parents=True)
    (home / "state" / "lsp.log").write_text("first\nlast\n", encoding="utf-8")
    session.nvim.type(":IdeAgent log\r")
    session.becomes("first", "last")


def test_status_in_turkish(session: Session) -> None:
    session.script({"engines": [{"model": "starter", "state": "ready"}]})
    session.start(init="vim.env.LANG = 'tr_TR.UTF-8'")
    session.nvim.type(":IdeAgent\r")
    session.says("motor: starter, hazır")
    session.says("öneriler bu tamponda açık; dosyası gizliyse")


def test_restart_starts_a_new_server_for_the_same_buffer(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start()
    session.nvim.type(":IdeAgent restart\r")
    session.nvim.until(lambda: len(session.log("initialize")) == 2)
    session.nvim.until(session.attached)
    session.nvim.type("ireturn ")
    session.shows("1")


def hang(session: Session, patience: int) -> int:
    """Let the server hang, ask for a restart that waits so many ms for it; the server's pid."""
    session.nvim.lua("require('ide_agent.lifecycle').patience = ...", patience)
    pid = session.signal_server(signal.SIGSTOP)
    session.nvim.type(":IdeAgent restart\r")
    return pid


def test_restart_of_a_server_that_hangs_blocks_nothing_and_asked_again_ends_it(session: Session) -> None:
    session.script({"rules": [{**RULE, "after": "xreturn "}]})
    session.start()
    pid = hang(session, patience=3_600_000)
    session.nvim.until(lambda: not session.nvim.lua("return vim.lsp.is_enabled('ide_agent')"))
    session.nvim.type("ix")
    session.nvim.until(lambda: session.nvim.buffer() == ["x"])
    session.normal()
    assert len(session.log("initialize")) == 1
    session.nvim.type(":IdeAgent restart\r")
    session.nvim.until(lambda: len(session.log("initialize")) == 2)
    session.nvim.until(session.attached)
    os.kill(pid, signal.SIGCONT)
    session.nvim.type("areturn ")
    session.shows("1")


def test_restart_of_a_server_that_hangs_ends_it_after_a_while(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start()
    pid = hang(session, patience=1)
    session.nvim.until(lambda: len(session.log("initialize")) == 2)
    session.nvim.until(session.attached)
    os.kill(pid, signal.SIGCONT)
    session.nvim.until(lambda: session.nvim.lua("return #vim.lsp.get_clients()") == 1)
    session.nvim.type("ireturn ")
    session.shows("1")
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["return 1"])
    assert len(session.log("initialize")) == 2, "its end is no crash"


def test_a_server_that_dies_is_replaced(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start()
    session.nvim.type("ireturn ")
    session.shows("1")
    session.signal_server(signal.SIGKILL)
    session.says("quit with exit code")
    session.nvim.until(lambda: len(session.log("initialize")) == 2)
    session.nvim.until(session.attached)
    session.nvim.type("\x15return ")
    session.shows("1")
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["return 1"])


def test_a_server_that_keeps_dying_is_given_up(session: Session) -> None:
    starts = session.folder / "starts"
    session.start(server=["sh", "-c", f"echo >> {starts}; exit 1"], wait=False)
    session.says("keeps on ending and is no longer started")
    assert len(starts.read_text()) == 4
    session.nvim.type("ix")
    session.nvim.until(lambda: session.nvim.buffer() == ["x"])
    assert session.nvim.lua("return #vim.lsp.get_clients({ name = 'ide_agent' })") == 0
    session.normal()
    session.nvim.type(":IdeAgent restart\r")
    session.nvim.until(lambda: len(starts.read_text()) == 8)


def test_a_missing_server_is_named_once_and_not_while_typing(session: Session) -> None:
    session.start(server=["no-such-program"], wait=False)
    session.nvim.type("ix")
    session.nvim.until(lambda: session.nvim.buffer() == ["x"])
    assert "no-such-program" not in session.nvim.text()
    session.nvim.type("\x1b")
    session.says("“no-such-program” is not on your PATH")
    session.nvim.type("ay\x1b")
    session.nvim.until(lambda: session.nvim.buffer() == ["xy"])
    assert session.nvim.lua("return vim.fn.execute('messages')").count("no-such-program") == 1


def report(session: Session, model: str) -> str:
    """:checkhealth's report, once it names the model."""
    session.nvim.lua("require('ide_agent.health').patience = 60000")
    session.nvim.type(":IdeAgent health\r")
    session.nvim.until(lambda: any(model in line for line in session.nvim.buffer()))
    return "\n".join(session.nvim.buffer())


def test_health(session: Session) -> None:
    session.start()
    text = report(session, "model starter (loaded)")
    assert "ERROR" not in text
    assert "suggestions are drawn by the plugin" in text
    assert "accept: <Tab>" in text


def test_health_speaks_turkish(session: Session) -> None:
    session.start(init="vim.g.ide_agent = { language = 'tr' }")
    text = report(session, "model starter (yüklü)")
    assert "önerileri eklenti çiziyor" in text
    assert "sunucu çalışıyor, 1 tampon" in text


def copy_of_the_plugin(session: Session) -> Path:
    """One whose help tags are made anew; those that git keeps stay as they are."""
    plugin = session.folder / "plugin"
    shutil.copytree(PLUGIN, plugin, ignore=shutil.ignore_patterns("node_modules"))
    for tags in (plugin / "doc").glob("tags*"):
        tags.unlink()
    session.start(plugin=plugin)
    session.nvim.type(f":helptags ++t {plugin}/doc\r")
    return plugin


@pytest.mark.parametrize(("language", "title"), [("en", "Ghost text"), ("tr", "gölge metin")])
def test_help(session: Session, language: str, title: str) -> None:
    copy_of_the_plugin(session)
    session.nvim.type(f":set helplang={language}\r:help ide-agent-keys\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.bo.filetype") == "help")
    text = "\n".join(session.nvim.buffer())
    assert "*ide-agent-keys*" in text
    assert title in text


def test_the_help_tags_that_git_keeps_are_those_of_the_help(session: Session) -> None:
    plugin = copy_of_the_plugin(session)
    session.nvim.until(lambda: (plugin / "doc" / "tags-tr").exists())
    session.nvim.type(":help ide-agent\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.bo.filetype") == "help")
    for name in ("tags", "tags-tr"):
        assert (plugin / "doc" / name).read_text() == (PLUGIN / "doc" / name).read_text(), name


def test_both_languages_have_the_same_help() -> None:
    tags = [
        [line.split("\t")[0] for line in (PLUGIN / "doc" / name).read_text().splitlines() if line[0] != "!"]
        for name in ("tags", "tags-tr")
    ]
    assert tags[0] == tags[1]
