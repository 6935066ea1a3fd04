"""What `ide-agent lsp` understands. Texts are read when there is something to say, not at each start."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn, TypeVar

LOOPBACK = "127.0.0.1"
_PORTS = range(1 << 16)
_WRONG = {"--tcp": "editor.options.bad_tcp", "--log-level": "editor.options.bad_log_level"}
_N = TypeVar("_N")


def parse(argv: Sequence[str], options: _N) -> _N:
    """Set what `argv` says on `options`; leaves with status 2 and a message when that makes no sense."""
    known = parser()
    try:
        return known.parse_args(argv, namespace=options)
    except argparse.ArgumentError as wrong:
        if key := _WRONG.get(wrong.argument_name or ""):
            known.exit(2, f"{_say(key)}\n")
        known.error(str(wrong))


def parser() -> Parser:
    """All options; their help is a message key."""
    known = Parser(prog="ide-agent lsp", add_help=False, formatter_class=_Help, exit_on_error=False)
    known.add_argument("--stdio", action="store_true", help="editor.options.stdio")
    known.add_argument("--tcp", metavar="[HOST:]PORT", type=_address, help="editor.options.tcp")
    known.add_argument(
        "--log-level",
        type=str.upper,
        metavar="LEVEL",
        choices=["DEBUG", "INFO", "WARNING", "ERROR"],
        help="editor.options.log_level",
    )
    known.add_argument("--clientProcessId", dest="pid", help=argparse.SUPPRESS)
    known.add_argument("-h", "--help", action="help", help="cli.words.help")
    return known


class Parser(argparse.ArgumentParser):
    """Says in the user's language what argparse says in English."""

    def format_help(self) -> str:
        """The help."""
        formatter = self._get_formatter()
        usage = f"{self.prog} [{_say('cli.words.options')}]"
        formatter.add_usage(usage, [], [], f"{_say('cli.words.usage')}: ")
        formatter.add_text(_say("cli.lsp"))
        formatter.start_section(_say("cli.words.option_list"))
        formatter.add_arguments(self._actions)
        formatter.end_section()
        return formatter.format_help()

    def error(self, message: str) -> NoReturn:
        """Leave with what argparse has to say."""
        self.exit(2, f"{_say('cli.misuse.other', reason=message, path=self.prog)}\n")


class _Help(argparse.HelpFormatter):
    def _expand_help(self, action: argparse.Action) -> str:
        return _say(action.help or "")


def _say(key: str, /, **params: str) -> str:
    from ide_agent.locale import language, translate

    return translate(key, language(), **params)


def _address(text: str) -> tuple[str, int]:
    """Host and port of ``[HOST:]PORT``."""
    host, _, port = text.rpartition(":")
    if not (port.isdecimal() and int(port) in _PORTS):
        raise ValueError(text)
    return host.strip("[]") or LOOPBACK, int(port)
