"""A real Neovim in a pseudo-terminal: real keys go in, the drawn screen comes out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pyte

PATIENCE = 60.0
# Sequences that pyte takes for something else: private CSI, device queries, DCS and OSC strings.
_FOREIGN = re.compile(
    rb"\x1b\[[<=>][0-9;:]*[a-zA-Z]|\x1b\[\??[0-9;]*\$[a-z]|\x1b\[[0-9;]* q"
    rb"|\x1bP.*?\x1b\\|\x1b\].*?(?:\x07|\x1b\\)",
    re.DOTALL,
)
_WHO = b"\x1b[c"  # what a terminal is, asked as the last thing; Neovim waits a second for the answer
_VT220 = b"\x1b[?62;c"
_UNFINISHED = re.compile(rb"\x1b(?:\[[^a-zA-Z]*|[P\]](?:(?!\x1b\\|\x07).)*)?$", re.DOTALL)


class Neovim:
    """One editor.

    Args:
        command: the program with its arguments.
        folder: the working directory; the control socket lies there too.
        env: the whole environment.
        size: (columns, lines) of the screen.
    """

    def __init__(
        self, command: list[str], folder: Path, env: dict[str, str], size: tuple[int, int] = (100, 24)
    ) -> None:
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._rest = b""
        self._calls = 0
        self._leaving = False
        self._socket_path = folder / "nvim.sock"
        self._terminal, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.process = subprocess.Popen(
            [*command, "--listen", str(self._socket_path)],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            cwd=folder,
            env=env,
            start_new_session=True,
        )
        os.close(inside)
        self._rpc = socket.socket(socket.AF_UNIX)
        self._answers = msgpack.Unpacker(raw=False, strict_map_key=False)
        try:
            self.until(self._connect)
            self.until(lambda: self.lua("return vim.v.vim_did_enter") == 1)
        except BaseException:
            self.process.kill()
            self.close()
            raise

    def _connect(self) -> bool:
        try:
            self._rpc.connect(str(self._socket_path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def type(self, keys: str) -> None:
        """Press keys: bytes on the terminal, as a keyboard sends them."""
        os.write(self._terminal, keys.encode())

    def lua(self, code: str, *arguments: Any) -> Any:
        """Run Lua in the editor, for looking rather than for acting."""
        self._calls += 1
        self._rpc.sendall(msgpack.packb([0, self._calls, "nvim_exec_lua", [code, list(arguments)]]))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self._pump(self._rpc.fileno())
            if select.select([self._rpc], [], [], 0)[0]:
                self._answers.feed(self._rpc.recv(65536))
            for message in self._answers:
                if message[0] == 1 and message[1] == self._calls:
                    if message[2]:
                        raise AssertionError(message[2])
                    return message[3]
        raise AssertionError("Neovim does not answer:\n" + self.text())

    def until(self, condition: Callable[[], Any]) -> Any:
        """The condition's value once it is true.

        Raises:
            AssertionError: it did not become true; the message shows the screen.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self._pump()
            if value := condition():
                return value
        raise AssertionError("This did not happen; the screen shows:\n" + self.text())

    def lines(self) -> list[str]:
        """The screen's lines, without trailing blanks."""
        return [line.rstrip() for line in self.screen.display]

    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines())

    def sees(self, *lines: str) -> bool:
        """Whether the screen has these lines, one below the other."""
        shown = self.lines()
        return any(shown[i : i + len(lines)] == list(lines) for i in range(len(shown)))

    def colour(self, line: int, column: int) -> str:
        """Foreground colour of a screen cell, e.g. `4f5258`."""
        return str(self.screen.buffer[line][column].fg)

    def buffer(self) -> list[str]:
        """The current buffer's lines."""
        lines: list[str] = self.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, true)")
        return lines

    def mode(self) -> str:
        """The mode, as nvim_get_mode says it."""
        return str(self.lua("return vim.api.nvim_get_mode().mode"))

    def close(self) -> None:
        """End the editor and everything it started."""
        self._leaving = True
        with contextlib.suppress(OSError):
            self._rpc.sendall(msgpack.packb([2, "nvim_command", ["qall!"]]))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self._pump()
            if self.process.poll() is not None:
                break
        else:
            self.process.kill()
            self.process.wait()
        self._rpc.close()
        os.close(self._terminal)

    def _pump(self, *also: int) -> None:
        """Take in what the editor draws."""
        ready = select.select([self._terminal, *also], [], [], 0.02)[0]
        if self._terminal not in ready:
            return
        try:
            data = self._rest + os.read(self._terminal, 65536)
        except OSError:
            return
        if self._leaving and _WHO in data:
            os.write(self._terminal, _VT220)
        data = _FOREIGN.sub(b"", data)
        tail = _UNFINISHED.search(data)
        self._rest = data[tail.start() :] if tail else b""
        self._stream.feed(data[: tail.start()] if tail else data)
