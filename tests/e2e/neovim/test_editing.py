"""Files and ways of typing on which ghost text tends to break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = pytest.mark.e2e

UTF16 = "vim.lsp.config('ide_agent', { capabilities = { general = { positionEncodings = { 'utf-16' } } } })"


def test_case_7_crlf_files_keep_their_line_ends(session: Session) -> None:
    session.script({"rules": [{"id": "c1", "after": "x = ", "chunks": ["[\n    1,\n]"]}]})
    session.start(file="a.txt", content="first\r\nlast\r\n")
    session.nvim.type("ox = ")
    session.shows("[\n    1,\n]")
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["first", "x = [", "    1,", "]", "last"])
    session.normal()
    session.nvim.type(":w\r")
    expected = b"first\r\nx = [\r\n    1,\r\n]\r\nlast\r\n"
    session.nvim.until(lambda: (session.project / "a.txt").read_bytes() == expected)
    assert "\r" in session.log("answer")[0]["text"], "the server spoke CRLF"


@pytest.mark.parametrize("encoding", ["", UTF16], ids=["utf-8", "utf-16"])
def test_case_5_cjk_and_emoji_before_and_in_the_suggestion(session: Session, encoding: str) -> None:
    session.script(
        {"rules": [{"id": "c1", "after": "ad = '漢😀ş", "chunks": ["ğ漢😀'\n# İyi"], "replace": 1}]}
    )
    session.start(content="ad = '漢😀ş'\n", init=encoding)
    session.nvim.type("f'f'i")
    session.shows("ğ漢😀'\n# İyi")
    session.nvim.type("ğ")
    session.shows("漢😀'\n# İyi")
    session.nvim.type("\x1bw")
    event = session.nvim.until(lambda: session.events("acceptedPartly"))
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["ad = '漢😀şğ漢😀'", "# İyi"])
    assert event[0]["acceptedLength"] == len("ğ漢😀".encode("utf-16-le")) // 2


def test_case_9_tabs_are_drawn_as_wide_as_they_will_be(session: Session) -> None:
    session.script({"rules": [{"id": "c1", "after": "x:", "chunks": ["\ty\n\tif z:\n\t\tw()"]}]})
    session.start(file="a.txt", init="vim.opt.tabstop = 4")
    session.nvim.type("ix:")
    session.nvim.until(lambda: session.nvim.sees("x:  y", "    if z:", "        w()"))
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["x:\ty", "\tif z:", "\t\tw()"])
    session.nvim.until(lambda: session.nvim.sees("x:  y", "    if z:", "        w()"))


def test_case_6_last_line_without_a_newline(session: Session) -> None:
    session.script({"rules": [{"id": "c1", "after": "x = ", "chunks": ["1\ny = 2"]}]})
    session.start(file="a.txt", content="x = ", init="vim.opt.fixendofline = false")
    session.nvim.type("A")
    session.shows("1\ny = 2")
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["x = 1", "y = 2"])
    session.normal()
    session.nvim.type(":w\r")
    session.nvim.until(lambda: (session.project / "a.txt").read_bytes() == b"x = 1\ny = 2")


def test_typing_through_a_line_break(session: Session) -> None:
    whole = "if x:\n    return y\n    z"
    session.script({"rules": [{"id": "c1", "after": "# go\n", "chunks": [whole]}]})
    session.start(content="# go\n", init="vim.opt.shiftwidth = 4")
    session.nvim.type("o")
    session.shows(whole)
    session.script({"rules": [{"id": "c1", "after": "# go\n", "chunks": [whole], "gates": ["never"]}]})
    session.nvim.type("if x:\r")
    session.shows("return y\n    z")
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["# go", *whole.split("\n")])
    assert session.events("dismissed") == []


def test_a_bracket_closed_by_another_plugin(session: Session) -> None:
    session.script({"rules": [{"id": "c1", "after": "print", "chunks": ["(a, b)"]}]})
    pairs = "vim.keymap.set('i', '(', '()<Left>')"
    session.start(init=pairs)
    session.nvim.type("iprint")
    session.shows("(a, b)")
    session.script({"rules": [{"id": "c1", "after": "print", "chunks": ["(a, b)"], "gates": ["never"]}]})
    session.nvim.type("(")
    session.shows("a, b")
    session.nvim.until(lambda: session.nvim.sees("print(a, b)", "~"))
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["print(a, b)"])


def test_blockwise_insert_survives(session: Session) -> None:
    session.script({"rules": [{"id": "c1", "after": "x = ", "chunks": ["1"]}]})
    session.start(content="a\nb\nc\n")
    session.nvim.type("\x16jjI")
    session.nvim.until(lambda: session.nvim.mode() == "i")
    session.nvim.type("x = ")
    session.shows("1")
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer()[0] == "x = 1a")
    session.normal()
    lines = session.nvim.until(session.nvim.buffer)
    assert lines[0] == "x = 1a"
    assert [line[-1] for line in lines] == ["a", "b", "c"], "no line is lost or mixed up"


def test_a_macro_asks_for_nothing(session: Session) -> None:
    session.script({"rules": [{"id": "c1", "after": "return ", "chunks": ["1"]}]})
    session.start()
    session.nvim.lua("vim.fn.setreg('q', 'ireturn \\27')")
    session.nvim.type("@q")
    session.nvim.until(lambda: session.nvim.buffer() == ["return "])
    session.nvim.type("A")
    session.shows("1")
    assert session.log("request", before="return "), "typing asks"
    assert len(session.log("request")) == 1


def test_case_44_a_buffer_without_a_file_or_type(session: Session) -> None:
    session.script({"rules": [{"id": "c1", "after": "Dear ", "chunks": ["reader,"]}]})
    session.start()
    session.nvim.type(":enew\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.api.nvim_buf_get_name(0)") == "")
    session.nvim.type("i")
    session.nvim.until(session.attached)
    session.nvim.type("Dear ")
    session.shows("reader,")
    assert session.log("open")[-1]["language"] == "plaintext"
    assert len(session.log("initialize")) == 1


def test_special_buffers_are_left_alone(session: Session) -> None:
    session.script({"rules": [{"id": "c1", "after": "x = ", "chunks": ["1"]}]})
    session.start(content="x = ")
    session.nvim.type(":new | setlocal buftype=nofile filetype=python\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.bo.buftype") == "nofile")
    session.nvim.type("ix = ")
    session.nvim.until(lambda: session.nvim.buffer() == ["x = "])
    session.normal()
    session.nvim.type(":quit!\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.bo.buftype") == "")
    session.nvim.type("A")
    session.shows("1")
    assert len(session.log("request")) == 1
    assert len(session.log("open")) == 1


def test_case_43_one_server_for_two_projects(session: Session) -> None:
    other = session.folder / "other"
    (other / ".git").mkdir(parents=True)
    (other / "b.py").write_text("")
    session.script({"rules": [{"id": "c1", "after": "x = ", "chunks": ["1"]}]})
    session.start()
    session.nvim.type(f":edit {other}/b.py\r")
    session.nvim.until(lambda: session.log("folders", added=[str(other)]))
    session.nvim.type("ix = ")
    session.shows("1")
    first: list[Any] = session.log("initialize")
    assert [entry["folders"] for entry in first] == [[str(session.project)]]
