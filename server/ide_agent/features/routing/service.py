"""The user's file of rules: read, changed, and written whole, unless somebody else changed it meanwhile."""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

from ide_agent.errors import RoutesError
from ide_agent.features.routing.edits import Edit
from ide_agent.inference.routing.reading import read
from ide_agent.reasons import reason_of

_NEW = 0o600


@cache
def _lock(path: Path) -> threading.Lock:
    """Held for a change: whoever else changes the file here waits."""
    return threading.Lock()


class RulesFile:
    """`routes.yaml`. All objects of one path take turns.

    Args:
        path: where it is; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> tuple[str, str]:
        """Its text, and what to say to `change` so that nothing newer is overwritten.

        Raises:
            RoutesError: it cannot be read.
        """
        try:
            content = self.path.read_bytes()
            return content.decode("utf-8-sig"), _stamp(content)
        except FileNotFoundError:
            return "", ""
        except UnicodeDecodeError:
            raise RoutesError("error.routes.encoding", file=str(self.path), line=1) from None
        except OSError as failure:
            raise RoutesError(
                "error.routes.unreadable", file=str(self.path), line=1, reason=reason_of(failure)
            ) from None

    def begin(self, text: str) -> None:
        """Write `text` where there is no file yet.

        Raises:
            RoutesError: it cannot be read or written.
        """
        if self.load()[1] == "":
            self.change("", lambda _: text)

    def change(self, stamp: str, edit: Edit) -> str:
        """Write what `edit` makes of the text; its stamp.

        Args:
            stamp: of the text that the change is meant for, from `load`.
            edit: from the old text to the new one.

        Raises:
            RoutesError: the file is another one by now, has errors, would have some, or cannot be written.
        """
        with _lock(self.path):
            return self._change(stamp, edit)

    def _change(self, stamp: str, edit: Edit) -> str:
        text = self._expect(stamp)
        try:
            changed = edit(text)
        except RoutesError as failure:
            raise RoutesError(failure.key_used, **{"path": str(self.path), **failure.params}) from None
        broken = next((each for each in read(changed).problems if each.severity == "error"), None)
        if broken is not None:
            raise broken.error(str(self.path))
        return self._write(changed, stamp) if changed != text else stamp

    def _expect(self, stamp: str) -> str:
        text, now = self.load()
        if now != stamp:
            raise RoutesError("error.routes.changed", path=str(self.path))
        return text

    def _write(self, text: str, stamp: str) -> str:
        content = text.encode("utf-8")
        target = Path(os.path.realpath(self.path))  # of those who keep their settings elsewhere
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            mode = target.stat().st_mode & 0o777 if target.exists() else _NEW
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).chmod(mode)
                self._expect(stamp)  # other programs know of no lock
                Path(name).replace(target)
            except BaseException:
                with suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as failure:
            raise RoutesError("error.routes.write", path=str(self.path), reason=reason_of(failure)) from None
        return _stamp(content)


def _stamp(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]
