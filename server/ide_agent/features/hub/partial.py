"""The part of a file that has arrived, and a note beside it that says what it is a part of."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import httpx

from ide_agent.features.hub.sources import Remote


class UnusableError(Exception):
    """The server's answer does not continue the part; the part is gone, so the next attempt starts anew."""


class Part:
    """``<target>.part`` with ``<target>.part.json``.

    Attributes:
        file: the bytes so far.
        done: how many there are.
        total: length of the whole file; 0 while unknown.
    """

    def __init__(self, target: Path, remote: Remote) -> None:
        self.file = target.with_name(f"{target.name}.part")
        self.done = 0
        self.total = 0
        self._target = target
        self._note = target.with_name(f"{target.name}.part.json")
        self._remote = remote
        self._etag = ""

    @property
    def whole(self) -> bool:
        """All of it is here."""
        return 0 < self.total == self.done

    def load(self) -> int:
        """Take up what an earlier download left; a part of another file is thrown away. Returns `done`."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            url, sha256, etag, size = (
                str(note["url"]),
                str(note["sha256"]),
                str(note["etag"]),
                int(note["size"]),
            )
            done = self.file.stat().st_size
        except (OSError, ValueError, LookupError, TypeError):
            self.discard()
            return 0
        same = sha256 == self._remote.sha256 if sha256 and self._remote.sha256 else url == self._remote.url
        if not same or done > size > 0:
            self.discard()
            return 0
        self.done, self.total, self._etag = done, size, etag if url == self._remote.url else ""
        return done

    def measure(self) -> None:
        """Set `done` to what really is on the disk."""
        self.done = self.file.stat().st_size

    def request_headers(self) -> dict[str, str]:
        """Headers that ask for the rest; none while nothing is here."""
        if not self.done:
            return {}
        headers = {"Range": f"bytes={self.done}-"}
        if self._etag and not self._etag.startswith("W/"):
            headers["If-Range"] = self._etag
        return headers

    def begin(self, response: httpx.Response) -> None:
        """Make ready to append the body of `response` (status 200 or 206).

        Raises:
            UnusableError: it is some other range, or that of a file that has changed.
        """
        if response.status_code == 206:
            start, total = content_range(response)
            if start != self.done or (total and self.total and total != self.total):
                self.discard()
                raise UnusableError(response.headers.get("Content-Range", "206"))
            self.total = total or self.total
        else:
            self.discard()
            length = response.headers.get("Content-Length", "")
            self.total = int(length) if length.isdecimal() else 0
        self._etag = response.headers.get("ETag", "")
        note = {
            "url": self._remote.url,
            "sha256": self._remote.sha256,
            "etag": self._etag,
            "size": self.total,
        }
        draft = self._note.with_name(f"{self._note.name}.new")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # an address may hold a login
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(note, file)
        draft.replace(self._note)

    def ended(self, response: httpx.Response) -> bool:
        """Whether a 416 answer says that what is here is all there is."""
        _, total = content_range(response)
        if not 0 < total == self.done:
            return False
        self.total = total
        return True

    def finish(self) -> None:
        """The part becomes the file, in one step."""
        self.file.replace(self._target)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Forget what is here."""
        self.file.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self.done, self.total, self._etag = 0, 0, ""


def content_range(response: httpx.Response) -> tuple[int, int]:
    """First byte and whole length that `Content-Range` names: -1 for no first byte, 0 for no length."""
    header = response.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", header.strip())
    if not match:
        return -1, 0
    first, total = match.groups()
    return (int(first) if first else -1), (int(total) if total != "*" else 0)
