"""What an API that refuses means, and what to do about it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ide_agent.errors import IdeAgentError, RemoteError, RemoteRefused, RemoteUnavailable
from ide_agent.safety.redaction import redact

_LONGEST_REASON = 300
_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_BUSY = frozenset({429, 503, 529})


@dataclass(frozen=True)
class Refusal:
    """Why there is no answer.

    Attributes:
        error: for the caller.
        again: whether to try once more.
        wait: seconds that the API wants us to wait before that; None: it did not say.
        counts: whether it speaks against the API's health.
        paid: whether it may have been at work on the request, which would have to be paid.
    """

    error: IdeAgentError
    again: bool
    wait: float | None = None
    counts: bool = True
    paid: bool = False


def refusal(
    endpoint: str, status: int, headers: dict[str, str], body: bytes, model: str, key: str
) -> Refusal:
    """What `status` means.

    Args:
        endpoint: name of the API.
        status: HTTP status.
        headers: by lower-case name.
        body: of the answer.
        model: whom the request was about.
        key: ours, which must not appear in the error.
    """
    reason = reason_in(body, key) or f"HTTP {status}"
    wait = retry_after(headers.get("retry-after", ""))
    if status in _AGAIN:
        code = "error.remote.busy" if status in _BUSY else "error.remote.failed"
        error: RemoteError = RemoteUnavailable(
            code, endpoint=endpoint, status=status, reason=reason, seconds=round(wait or 30) or 1
        )
        return Refusal(error, again=True, wait=wait, counts=status != 429)
    if status == 401:
        error = RemoteRefused("error.remote.key" if key else "error.remote.no_key", endpoint=endpoint)
    elif status == 402:
        error = RemoteRefused("error.remote.credit", endpoint=endpoint, reason=reason)
    elif status == 404 and model:
        error = RemoteRefused("error.remote.model", endpoint=endpoint, model=model, status=status)
    elif status < 400 or status in (404, 405):
        error = RemoteRefused(
            "error.remote.nonsense", endpoint=endpoint, reason=f"HTTP {status}", status=status
        )
    elif status >= 500:
        return Refusal(
            RemoteUnavailable("error.remote.failed", endpoint=endpoint, reason=reason), again=False
        )
    else:
        error = RemoteRefused("error.remote.refused", endpoint=endpoint, reason=reason, status=status)
    return Refusal(error, again=False, counts=False)


def reason_in(body: bytes | dict[str, Any], key: str) -> str:
    """What an error body says, short, without secrets."""
    try:
        answer = json.loads(body) if isinstance(body, bytes) else body
    except (ValueError, RecursionError):
        return ""
    said = answer.get("error", answer.get("message")) if isinstance(answer, dict) else None
    if isinstance(said, dict):
        said = said.get("message") or said.get("code")
    if not isinstance(said, str):
        return ""
    if key:
        said = said.replace(key, "…")
    return redact(said)[:_LONGEST_REASON].strip().rstrip(".")


def retry_after(value: str) -> float | None:
    """Seconds to wait, by the header ``Retry-After``: a number, or a date."""
    try:
        seconds = float(value)
        return max(seconds, 0.0) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return max((when - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, OverflowError):
        return None


def broken_connections() -> tuple[type[Exception], ...]:
    """What httpcore raises of connections; imported when it is needed."""
    import httpcore

    return (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
