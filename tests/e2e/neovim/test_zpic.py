import re, sys

sys.path.insert(0, "/tmp")
from .test_hub_panel import *
from support import neovim as nv
from shot import render


def test_pic(session, empty_machine, index):
    index.script.append(stall_after(52_000_000))
    orig = nv.Neovim.__init__

    def init(self, command, folder, env, size=(100, 30)):
        orig(self, command, folder, env, size)

    nv.Neovim.__init__ = init
    session.start(
        server=SERVER,
        content="def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\n",
        init="vim.g.ide_agent = { panel = { size = 0.74 } }\n",
    )
    session.nvim.type(":IdeAgent models\r")
    session.nvim.until(lambda: line(session, "starter ("))
    session.nvim.type("\t\t\t")
    session.nvim.type("/^starter (\r\r")
    session.nvim.until(lambda: re.search(r"█ *.* [1-9]\d+ %", session.nvim.text()))
    session.nvim.until(lambda: "[-] Download" in session.nvim.text())
    session.nvim.type(":noh|echo\rzb")
    session.nvim.until(lambda: "/starter" not in session.nvim.text())
    for _ in range(5):
        session.nvim.lua("return 1")
    render(session.nvim.screen, "/tmp/neovim-panel.png")
    (open("/tmp/neovim-panel.txt", "w")).write(session.nvim.text())
    index.released.set()
