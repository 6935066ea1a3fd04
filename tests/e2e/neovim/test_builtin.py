"""Neovim 0.12 draws by itself: a stand-in for its documented functions, in the real 0.11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = pytest.mark.e2e

RULE: dict[str, Any] = {"id": "c1", "after": "return ", "chunks": ["1"]}
BUILTIN = """
_G.calls = {}
local everywhere, here, shown = false, {}, false
vim.lsp.inline_completion = {
  enable = function(on, filter)
    if filter then here[filter.bufnr] = on ~= false else everywhere = on ~= false end
  end,
  is_enabled = function(filter)
    local own = here[filter.bufnr == 0 and vim.api.nvim_get_current_buf() or filter.bufnr]
    if own == nil then return everywhere end
    return own
  end,
  get = function()
    table.insert(_G.calls, 'get')
    if not shown then return false end
    vim.schedule(function() vim.api.nvim_put({ 'TAKEN' }, 'c', false, true) end)
    return true
  end,
  select = function() table.insert(_G.calls, 'select') end,
}
_G.show = function(on) shown = on end
"""
OPTION = "vim.g.ide_agent = { renderer = 'builtin' }"
CALL = "vim.lsp.inline_completion.enable()"


@pytest.mark.parametrize("choice", [OPTION, CALL], ids=["option", "own-call"])
def test_neovim_asks_and_draws_and_tab_takes_what_it_shows(session: Session, choice: str) -> None:
    session.script({"rules": [RULE]})
    session.start(file="a.txt", init=BUILTIN + choice)
    session.nvim.type("ireturn \t")
    session.becomes("return \t")
    session.nvim.lua("_G.show(true)")
    session.nvim.type("\t")
    session.becomes("return \tTAKEN")
    session.nvim.type("\x1b]")
    session.nvim.until(lambda: session.nvim.lua("return _G.calls") == ["get", "get", "select"])
    assert session.log("request") == [], "two must not ask"
    assert session.ghost() == ""


def test_it_is_told_when_suggestions_go_off_and_on(session: Session) -> None:
    session.start(init=BUILTIN + OPTION)
    on = "return vim.lsp.inline_completion.is_enabled({ bufnr = 0 })"
    assert session.nvim.lua(on)
    off = "return not vim.lsp.inline_completion.is_enabled({ bufnr = 0 })"
    for where in ("", " buffer"):
        session.nvim.type(f":IdeAgent disable{where}\r")
        session.nvim.until(lambda: session.nvim.lua(off))
        session.nvim.type(f":IdeAgent enable{where}\r")
        session.nvim.until(lambda: session.nvim.lua(on))


def test_a_server_is_not_asked_to_send_what_cannot_be_drawn(session: Session) -> None:
    session.start(init=BUILTIN + OPTION)
    assert session.log("initialize")[0]["experimental"]["ideAgent"]["inlineCompletionMore"] is False
