"""Why something failed, in a form that travels and is put into words where it is read.

The system, libraries and engines say it in English. What is frequent has a message of its own; only what is
not known here keeps the words it came with.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
import tomllib
from collections.abc import Iterator
from typing import Any, TypeAlias

from ide_agent.errors import IdeAgentError

Reason: TypeAlias = str | dict[str, Any]
"""Words that are the same in every language, or a message: ``code`` and ``params``."""

_CODES = {
    errno.ENOENT: "no_file",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "read_only",
    errno.ENOSPC: "disk_full",
    errno.ENOTDIR: "not_a_folder",
    errno.EISDIR: "a_folder",
    errno.ENAMETOOLONG: "long_name",
    errno.EEXIST: "exists",
    errno.EBUSY: "busy",
    errno.EIO: "disk_fault",
    errno.ENOMEM: "memory",
    errno.EMFILE: "many_files",
    errno.ENFILE: "many_files",
    errno.EADDRINUSE: "port_taken",
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.ENETUNREACH: "no_way",
    errno.EHOSTUNREACH: "no_way",
    errno.ENETDOWN: "no_way",
    getattr(errno, "EDQUOT", errno.ENOSPC): "disk_full",
}
_SQLITE = {
    "SQLITE_FULL": "disk_full",
    "SQLITE_CANTOPEN": "cannot_open",
    "SQLITE_READONLY": "read_only",
    "SQLITE_BUSY": "locked",
    "SQLITE_LOCKED": "locked",
    "SQLITE_IOERR": "disk_fault",
    "SQLITE_PERM": "denied",
}
_UNREACHED = frozenset({"refused", "name", "name_server", "no_way"})
_TEXTS = {
    **{os.strerror(code): name for code, name in _CODES.items()},
    "Name or service not known": "name",
    "nodename nor servname provided": "name",
    "No address associated with hostname": "name",
    "Temporary failure in name resolution": "name_server",
    "getaddrinfo failed": "name",
    "timed out": "timeout",
    "Server disconnected": "reset",
    "closed connection": "reset",
    # of RE2
    "missing ): ": "re_round",
    "unexpected ): ": "re_round",
    "missing ]: ": "re_square",
    "repetition operator: ": "re_repeated",
    "invalid repetition size: ": "re_count",
    "invalid character class range: ": "re_range",
    "trailing \\": "re_escape",
    "invalid escape sequence: ": "re_escape",
    # of TOML
    "Cannot declare ": "toml_twice",
    "Cannot overwrite a value": "toml_twice",
    "Cannot mutate immutable namespace": "toml_twice",
    "Cannot redefine namespace": "toml_twice",
    "Duplicate inline table key": "toml_twice",
    "Expected '=' after a key": "toml_equals",
    "at the end of a table declaration": "toml_header",
    "at the end of an array declaration": "toml_header",
    "Expected newline or end of document": "toml_line",
    "Invalid statement": "toml_line",
    "Invalid initial character for a key part": "toml_key",
    "Invalid value": "toml_value",
    "Invalid date or datetime": "toml_value",
    "Unclosed array": "toml_unclosed",
    "Unclosed inline table": "toml_unclosed",
    "Unterminated string": "toml_text",
    "Expected \"'": "toml_text",
    "Illegal character '\\n'": "toml_text",
    "Found invalid character '\\n'": "toml_text",
    "Illegal character": "toml_control",
    "Found invalid character": "toml_control",
    "Unescaped '\\' in a string": "toml_escape",
    "Invalid hex value": "toml_escape",
    "Escaped character is not a Unicode scalar value": "toml_escape",
    # of YAML
    "expected the node content": "yaml_nothing",
    "found unknown escape character": "yaml_escape",
    "expected escape sequence of": "yaml_escape",
    "sequence entries are not allowed here": "yaml_list",
    "expected alphabetic or numeric character": "yaml_name",
    "could not find expected directive name": "yaml_name",
}
_KINDS = {
    "KeyringLocked": "keyring_locked",
    "NoKeyringError": "keyring_none",
    "InitError": "keyring_none",
}
_TOML = re.compile(
    r"(?P<what>.+) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL
)


def reason(key: str, /, **params: Any) -> Reason:
    """The message ``reason.<key>``."""
    return {"code": f"reason.{key}", "params": params}


def reason_of(failure: BaseException, *, where: bool = False) -> Reason:
    """Why `failure` came about, or what it came of did.

    Args:
        failure: of any kind.
        where: also which file it is about.
    """
    if isinstance(failure, IdeAgentError):
        return {"code": failure.key_used, "params": failure.params}
    if where and isinstance(failure, OSError) and failure.filename:
        return reason("at", reason=reason_of(failure), path=str(failure.filename))
    name = next((found for each in _origins(failure) if (found := _name(each))), "")
    if name:
        return reason(name)
    if isinstance(failure, ModuleNotFoundError) and failure.name:
        return reason("no_module", name=failure.name)
    if isinstance(failure, tomllib.TOMLDecodeError) and (said := _TOML.fullmatch(str(failure))):
        place = {"line": said["line"], "column": said["column"]} if said["line"] else {}
        return reason("toml_at" if place else "toml_end", reason=reason_in(said["what"]), **place)
    text = str(failure).strip()
    return reason_in(text) if text else reason("unnamed", kind=type(failure).__name__)


def reason_in(text: str) -> Reason:
    """What another program said, as a message where that is known."""
    name = next((name for words, name in _TEXTS.items() if words in text), "")
    return reason(name) if name else text


def kind_of(failure: BaseException) -> Reason:
    """What `failure` is, without its words: they may tell what nobody should read."""
    kind = type(failure).__name__
    return reason(_KINDS[kind]) if kind in _KINDS else kind


def unreached(failure: BaseException) -> bool:
    """Whether there is nobody at that address: no such name, no way there, or refused at the door."""
    return any(_name(each) in _UNREACHED for each in _origins(failure))


def _name(failure: BaseException) -> str:
    if isinstance(failure, ssl.SSLCertVerificationError):  # its errno is that of something else
        return "certificate"
    if isinstance(failure, ssl.SSLError):
        return "encryption"
    if isinstance(failure, socket.gaierror):
        return "name_server" if failure.errno == socket.EAI_AGAIN else "name"
    if isinstance(failure, TimeoutError):
        return "timeout"
    if isinstance(failure, OSError):
        return _CODES.get(failure.errno or 0, "")
    extended = str(getattr(failure, "sqlite_errorname", "")).split("_")
    return _SQLITE.get("_".join(extended[:2]), "")


def _origins(failure: BaseException) -> Iterator[BaseException]:
    """`failure` and what it came of, the outermost first."""
    seen: set[int] = set()
    todo: list[BaseException | None] = [failure]
    while todo:
        each = todo.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        todo.append(each.__cause__ or each.__context__)  # httpcore hides it
        todo.append(getattr(each, "orig", None))
        if isinstance(each, BaseExceptionGroup):
            todo += reversed(each.exceptions)
