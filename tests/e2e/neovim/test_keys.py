"""Keys do what they did before wherever no suggestion shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = pytest.mark.e2e

RULE: dict[str, Any] = {"id": "c1", "after": "return ", "chunks": ["1"]}


def test_tab_and_the_other_keys_are_themselves(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start(file="a.txt", init="vim.cmd('iabbrev teh the')")
    session.nvim.type("ia\tb")
    session.becomes("a\tb")
    session.nvim.type(" teh\x1d")
    session.becomes("a\tb the")


def test_tab_expands_an_abbreviation_where_nothing_is_mapped_to_it(session: Session) -> None:
    session.start(file="a.txt", init="vim.keymap.del('i', '<Tab>') vim.cmd('iabbrev teh the')")
    session.nvim.type("iteh\tx")
    session.becomes("the\tx")


def test_a_key_that_ends_no_abbreviation_expands_none(session: Session) -> None:
    keys = "vim.g.ide_agent = { keys = { accept = '<Right>' } } vim.cmd('iabbrev teh the')"
    session.start(file="a.txt", content="z\n", init=keys)
    session.nvim.type("iteh\x1b[C!")
    session.becomes("tehz!")


@pytest.mark.parametrize(
    "mapping",
    [
        "vim.keymap.set('i', '<Tab>', 'MINE')",
        "vim.keymap.set('i', '<Tab>', function() return 'MINE' end, { expr = true })",
        "vim.keymap.set('i', '<Tab>', function() vim.api.nvim_put({ 'MINE' }, 'c', false, true) end)",
        "vim.cmd([[inoremap <expr> <Tab> 'MI' .. 'NE']])",
        "vim.cmd('imap <Tab> <Plug>(mine)') vim.cmd('inoremap <Plug>(mine) MINE')",
        "vim.api.nvim_create_autocmd('BufEnter', { callback = function(event)"
        " vim.keymap.set('i', '<Tab>', 'MINE', { buffer = event.buf }) end })",
    ],
    ids=["keys", "expression", "function", "vimscript", "plug", "buffer-local"],
)
def test_tab_falls_back_to_the_users_own_mapping(session: Session, mapping: str) -> None:
    session.script({"rules": [RULE]})
    session.start(file="a.txt", init=mapping)
    session.nvim.type("ix\t")
    session.becomes("xMINE")
    session.nvim.type(" return ")
    session.shows("1")
    session.nvim.type("\t")
    session.becomes("xMINE return 1")


def test_a_mapping_made_after_ours_is_honoured_too(session: Session) -> None:
    session.start(file="a.txt")
    session.nvim.lua("vim.keymap.set('i', '<Tab>', 'LATER')")
    session.nvim.type("ix\t")
    session.becomes("xLATER")


def test_tab_still_jumps_through_snippets(session: Session) -> None:
    session.start(file="a.txt")
    session.nvim.type("i")
    session.nvim.until(lambda: session.nvim.mode() == "i")
    session.nvim.lua("vim.snippet.expand('f(${1:a}, ${2:b})')")
    session.nvim.until(lambda: session.nvim.mode() == "s")
    session.nvim.type("x")
    session.becomes("f(x, b)")
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.mode() == "s")
    session.nvim.type("y")
    session.becomes("f(x, y)")


def test_a_selected_menu_entry_keeps_tab_and_hides_the_ghost(session: Session) -> None:
    session.script({"rules": [{"id": "c1", "after": "al", "chunks": ["so"]}]})
    menu = "vim.opt.completeopt = 'menuone,noselect,noinsert' vim.keymap.set('i', '<Tab>', '<C-y>')"
    session.start(file="a.txt", content="alpha\nalbum\n", init=menu)
    session.nvim.type("Goal")
    session.shows("so")
    session.nvim.type("\x0e")
    session.nvim.until(lambda: session.nvim.lua("return vim.fn.pumvisible()") == 1)
    assert session.ghost() == "so"
    session.nvim.type("\x1b[B")
    session.shows("")
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer()[-1] in ("alpha", "album"))


def test_own_keys_through_plug_maps(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start(file="a.txt", init="vim.keymap.set('i', '<C-y>', '<Plug>(ide-agent-accept)')")
    session.nvim.type("ireturn ")
    session.shows("1")
    session.nvim.type("\x19")
    session.becomes("return 1")
    session.nvim.type("\t")
    session.becomes("return 1\t")


def test_keys_change_with_setup_and_go_with_the_server(session: Session) -> None:
    session.script({"rules": [RULE]})
    session.start(file="a.txt")
    session.nvim.lua("require('ide_agent').setup({ keys = { accept = '<C-y>' } })")
    session.nvim.type("ireturn ")
    session.shows("1")
    session.nvim.type("\x19")
    session.becomes("return 1")
    session.normal()
    ours = "return vim.iter(vim.api.nvim_buf_get_keymap(0, 'i')):map(function(m) return m.lhs end):totable()"
    assert sorted(session.nvim.lua(ours)) == ["<C-Y>", "<C-]>", "<M-]>", "<M-l>", "<M-w>"]
    session.nvim.lua("vim.lsp.enable('ide_agent', false)")
    session.nvim.until(
        lambda: session.nvim.lua(ours) == [] or session.nvim.lua("return next(" + ours[7:] + ")") is None
    )
