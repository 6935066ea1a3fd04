"""Who may look at panels in a browser.

An editor asks for a link; the link holds a secret that works once, within a minute, and stands behind the
``#`` so that it reaches no log. The page changes it for a session of its own, which opens panels and nothing
else. Sessions are signed, not stored: they outlive the host. They are kept where only the page's own origin,
port included, can read them; a cookie would be sent to every other server on this machine. A page whose host
went away shows its session only to one that knows it already: another program may have the port by then.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import time
from functools import cached_property
from pathlib import Path

from ide_agent.errors import PanelError

_INVITATION_SECONDS = 60.0
_SESSION_SECONDS = 12 * 3600  # a page goes on asking at its port when the host is gone: not for longer
_MOST_INVITATIONS = 64


class Visitors:
    """Invitations and sessions.

    Args:
        key_file: holds the key that sessions are signed with; made when it is missing, mode 0600.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._invitations: dict[str, float] = {}

    def invite(self) -> str:
        """A secret that `enter` takes once, within a minute."""
        now = time.monotonic()
        self._invitations = {once: until for once, until in self._invitations.items() if until > now}
        while len(self._invitations) >= _MOST_INVITATIONS:
            del self._invitations[next(iter(self._invitations))]
        once = secrets.token_urlsafe(24)
        self._invitations[once] = now + _INVITATION_SECONDS
        return once

    def enter(self, once: str) -> str:
        """A session for an invitation.

        Raises:
            PanelError: it is not, or no longer, valid.
        """
        until = self._invitations.pop(once, 0.0)
        if until <= time.monotonic():
            raise PanelError("error.panel.link")
        ends = str(int(time.time()) + _SESSION_SECONDS)
        return f"{ends}.{self._sign(ends)}"

    def admits(self, session: str) -> bool:
        """Whether `session` is one of ours and not over."""
        ends, _, signature = session.partition(".")
        if not ends.isascii() or not ends.isdigit() or not signature.isascii():
            return False
        return hmac.compare_digest(signature, self._sign(ends)) and int(ends) > time.time()

    def prove(self, ends: str, nonce: str, port: int) -> str:
        """That we know the session which begins with `ends`, without a word of it; hexadecimal.

        Args:
            ends: when the session is over, as it stands in it.
            nonce: what the page made up for this one question.
            port: ours, so that who has another cannot pass our answer on.
        """
        session = f"{ends}.{self._sign(ends)}"
        return hmac.new(session.encode(), f"host {port} {nonce}".encode(), hashlib.sha256).hexdigest()

    def _sign(self, text: str) -> str:
        digest = hmac.new(self._key, b"panel session " + text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    @cached_property
    def _key(self) -> bytes:
        try:
            key = base64.urlsafe_b64decode(self._key_file.read_bytes())
            if len(key) == 32:
                return key
        except (OSError, binascii.Error):
            pass
        key = secrets.token_bytes(32)
        draft = self._key_file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.urlsafe_b64encode(key))
        draft.replace(self._key_file)
        return key
