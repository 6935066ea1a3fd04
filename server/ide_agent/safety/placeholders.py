"""Secrets in a request become placeholders, and what they stand for is put back into the answer.

The same secret has the same placeholder for as long as this process lives: what a conversation says twice
stays the same text. Who does not have the key of this process learns nothing from it but that two places are
equal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from ide_agent.errors import ConfigError
from ide_agent.safety.redaction import is_secret, secrets_in

_MARK = "REDACTED_"
_DIGITS = 12
_LENGTH = len(_MARK) + _DIGITS
_PLACEHOLDER = re.compile(rf"{_MARK}[0-9a-f]{{{_DIGITS}}}")
_IMAGE = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/]*={0,2}")
_STRUCTURE = frozenset({"role", "type"})
"""Names of values that are words of the dialect."""
_WORD = re.compile(r"[a-z_]{1,32}")
_NAMES = frozenset({"name", "id", "tool_call_id"})
"""Names of values that the answer refers to: they stay as they are."""
_NAME = re.compile(r"[\w.:/-]{1,128}")
_LITERAL = re.compile(r'"(?P<body>[^"\\]*+(?:\\.[^"\\]*+)*+)(?P<end>"|\\?\Z)(?P<named>\s*+:)?', re.DOTALL)
"""A string in JSON, which may be cut off; ``named``: it is a key."""
_ALONE = 8
"""A secret that was found by what stands around it is looked for elsewhere if it is so long."""
_PASSES = 8
_KEY = secrets.token_bytes(32)

Spans = Callable[[str], Iterable[tuple[int, int]]]


def own_patterns(patterns: Iterable[str]) -> Spans:
    """Finds what the user's expressions match: their group ``secret`` if they have one, else all of it.

    Raises:
        ConfigError: one of them is not valid.
    """
    import re2

    quiet = re2.Options()
    quiet.log_errors = False
    compiled = []
    for pattern in patterns:
        try:
            compiled.append(re2.compile(pattern, quiet))
        except re2.error as failure:
            reason = b"".join(failure.args).decode("utf-8", "replace")
            raise ConfigError(
                "error.config_pattern", key="remote.redact_patterns", pattern=pattern, reason=reason
            ) from None

    def find(text: str) -> Iterable[tuple[int, int]]:
        for expression in compiled:
            group = expression.groupindex.get("secret", 0)
            for match in expression.finditer(text.encode("utf-8", "replace").decode()):
                start, end = match.span(group)
                if start < end:
                    yield start, end

    return find


class Placeholders:
    """Those of one request.

    Args:
        own: finds what is secret besides what `safety.redaction` knows.
    """

    def __init__(self, own: Spans | None = None) -> None:
        self._own = own
        self._secrets: dict[str, str] = {}
        self._sorted: list[str] = []
        self._in_json = False

    def __len__(self) -> int:
        return len(self._secrets)

    def hide(self, payload: dict[str, Any]) -> dict[str, Any]:
        """`payload` with each secret in any of its texts replaced."""
        wanted = payload.get("response_format")
        self._in_json = isinstance(wanted, dict) and wanted.get("type") in ("json_object", "json_schema")
        hidden: dict[str, Any] = _mapped(payload, self._without)
        if not self._secrets:
            return payload
        self._sorted = sorted(self._secrets)
        again: dict[str, Any] = _mapped(hidden, self._without_known)
        return again

    def find(self, text: str) -> list[tuple[int, int]]:
        """Start and end of each secret in `text`, those that were found elsewhere included, in order."""
        spans = [*secrets_in(text), *(self._own(text) if self._own is not None else ())]
        for secret in self._secrets.values():
            if len(secret) >= _ALONE:
                spans += (match.span() for match in re.finditer(re.escape(secret), text))
        return _joined(spans)

    def replace(self, text: str, spans: Iterable[tuple[int, int]]) -> str:
        """`text` with placeholders for `spans`, which are in order, none within another."""
        replaced = self._replace(text, spans, in_json=False)
        self._sorted = sorted(self._secrets)
        return replaced

    def shown(self, text: str, *, in_json: bool = False) -> str:
        """`text` with the secrets put back; `in_json`: it is JSON, or a part of it."""
        if not self._sorted:
            return text
        in_json = in_json or self._in_json
        return _PLACEHOLDER.sub(lambda match: self._spelled(match[0], in_json), text)

    def put_back(self, answer: Any, *, in_json: bool = False) -> Any:
        """`answer`, any JSON value, with the secrets put back into its texts."""
        if not self._sorted:
            return answer
        if isinstance(answer, str):
            return self.shown(answer, in_json=in_json)
        if isinstance(answer, list):
            return [self.put_back(item) for item in answer]
        if isinstance(answer, dict):
            return {key: self.put_back(item, in_json=key == "arguments") for key, item in answer.items()}
        return answer

    def growing(self, *, in_json: bool = False) -> Growing:
        """Puts the secrets back into a text that comes in pieces."""
        return Growing(self, in_json)

    def begins(self, text: str) -> bool:
        """Whether one of them begins with `text`."""
        place = bisect_left(self._sorted, text)
        return place < len(self._sorted) and self._sorted[place].startswith(text)

    def _without(self, text: str, in_json: bool) -> str:
        """`text` without secrets, also in the strings of the JSON that it may be."""
        whole = _is_json(text)
        if whole or in_json:
            text = self._in_literals(text, self._without, judged=True)
        if whole:
            searched = self._searched(text, in_json=True)
            return searched if _is_json(searched) else text
        if '\\"' in text:  # code or JSON within a string: what is found there is looked for again
            self._searched(text.replace('\\"', "'").replace("\\n", "\n"), in_json=False)
        return self._searched(text, in_json)

    def _searched(self, text: str, in_json: bool) -> str:
        """`text` without secrets. One may hide what another one is known by, so it is looked at again."""
        for _ in range(_PASSES):
            before = text
            if self._own is not None:
                text = self._replace(text, _joined(self._own(text)), in_json)
            text = self._replace(text, secrets_in(text), in_json)
            if text == before:
                break
        return text

    def _without_known(self, text: str, in_json: bool) -> str:
        """`text` without the secrets that were found, wherever they stand."""
        if in_json or _is_json(text):
            text = self._in_literals(text, self._without_known)
        for placeholder, secret in sorted(self._secrets.items(), key=lambda item: -len(item[1])):
            if len(secret) >= _ALONE:
                text = text.replace(secret, placeholder).replace(_in_json(secret), placeholder)
        return text

    def _in_literals(self, text: str, change: Callable[[str, bool], str], *, judged: bool = False) -> str:
        """`text`, which is JSON, with `change` made to its strings; `judged`: by the names before them."""
        name = ""

        def changed(match: re.Match[str]) -> str:
            nonlocal name
            try:
                value = str(json.loads(f'"{match["body"]}"', strict=False))
            except ValueError:
                return match[0]
            if match["named"]:
                name = value
            elif judged and is_secret(name, value) and not _PLACEHOLDER.search(value):
                return f'"{self._stand_in(value, in_json=False)}{match["end"]}'
            after = change(value, False)
            return match[0] if after == value else f'"{_in_json(after)}{match["end"]}{match["named"] or ""}'

        return _LITERAL.sub(changed, text)

    def _replace(self, text: str, spans: Iterable[tuple[int, int]], in_json: bool) -> str:
        pieces: list[str] = []
        position = 0
        for start, end in _clipped(text, spans):
            pieces += (text[position:start], self._stand_in(text[start:end], in_json))
            position = end
        return "".join((*pieces, text[position:]))

    def _stand_in(self, secret: str, in_json: bool) -> str:
        if _PLACEHOLDER.fullmatch(secret):
            return secret
        if in_json:
            with suppress(ValueError):
                secret = str(json.loads(f'"{secret}"'))
        whole = _PLACEHOLDER.sub(lambda match: self._secrets.get(match[0], match[0]), secret)
        digest = hmac.new(_KEY, whole.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        placeholder = _MARK + digest[:_DIGITS]
        self._secrets[placeholder] = whole
        return placeholder

    def _spelled(self, placeholder: str, in_json: bool) -> str:
        secret = self._secrets.get(placeholder, placeholder)
        return _in_json(secret) if in_json else secret


class Growing:
    """A text of an answer that comes in pieces; what may be the start of a placeholder is held back."""

    def __init__(self, placeholders: Placeholders, in_json: bool) -> None:
        self._placeholders = placeholders
        self._in_json = in_json
        self._held = ""

    @property
    def holds(self) -> bool:
        """Whether something is held back."""
        return bool(self._held)

    def feed(self, piece: str) -> str:
        """What can be shown now that `piece` has come."""
        text = self._held + piece
        cut = self._cut(text)
        self._held = text[cut:]
        return self._placeholders.shown(text[:cut], in_json=self._in_json)

    def rest(self) -> str:
        """What was held back, now that no more will come."""
        held, self._held = self._held, ""
        return held

    def _cut(self, text: str) -> int:
        """Where the start of a placeholder begins that is not whole yet; the end where there is none."""
        start = text.find(_MARK[0], max(len(text) - _LENGTH + 1, 0))
        while start >= 0:
            if self._placeholders.begins(text[start:]):
                return start
            start = text.find(_MARK[0], start + 1)
        return len(text)


def _mapped(value: Any, change: Callable[[str, bool], str], name: str = "") -> Any:
    """`value`, any JSON value called `name`, with `change` made to its texts; it learns which are JSON."""
    if isinstance(value, str):
        if name in _STRUCTURE and _WORD.fullmatch(value):
            return value
        if name in _NAMES and _NAME.fullmatch(value):
            return value
        return change(value, name == "arguments")
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        shows = value.get("type") == "image_url"
        return {
            key: _mapped_picture(item, change) if shows and key == "image_url" else _mapped(item, change, key)
            for key, item in value.items()
        }
    return value


def _mapped_picture(value: Any, change: Callable[[str, bool], str]) -> Any:
    """As `_mapped`, for what a part of a message shows: where the address holds the picture, it stays."""
    if isinstance(value, str):
        return value if _IMAGE.fullmatch(value) else change(value, False)
    if isinstance(value, dict):
        return {
            key: _mapped_picture(item, change) if key == "url" else _mapped(item, change, key)
            for key, item in value.items()
        }
    return _mapped(value, change)


def _is_json(text: str) -> bool:
    """Whether it is an object or an array."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _clipped(text: str, spans: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """`spans` without parts of placeholders; one that holds a whole placeholder and more stays."""
    taken = [match.span() for match in _PLACEHOLDER.finditer(text)]
    starts = [start for start, _ in taken]
    for start, end in spans:
        if (at := bisect_right(starts, start) - 1) >= 0 and starts[at] < start < taken[at][1]:
            start = taken[at][1]
        if (at := bisect_left(starts, end) - 1) >= 0 and end < taken[at][1]:
            end = starts[at]
        if start < end:
            yield start, end


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, those that overlap made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
