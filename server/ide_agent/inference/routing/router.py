"""Decides which model a request goes to, by the rules as they stand in the files at that moment."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from ide_agent.errors import RoutesError
from ide_agent.inference.routing.conditions import Ask, Compiled, Said, Seen, reasons
from ide_agent.inference.routing.problems import Problem, Range
from ide_agent.inference.routing.reading import Reading, read
from ide_agent.inference.routing.rules import DEFAULT_MODELS, Limits, Routes, WorkspaceRoutes
from ide_agent.locale import translate
from ide_agent.reasons import reason_of

WORKSPACE_FILE = ".ide-agent-routes.yaml"
_MOST_BYTES = 1 << 20
_Stamp = tuple[int, int, int] | None


@dataclass(frozen=True)
class Decision:
    """Where a request goes.

    Attributes:
        model: its name; empty: the default model.
        fallbacks: to be tried in this order when it cannot be had.
        adapter: the one that `model` names behind its colon; empty: none.
        limits: what the answer may take.
        rule: name of the rule; empty where none fits.
        because: why, in parts.
        refused: it is private, and none of the rule's models is on this machine.
    """

    model: str = ""
    fallbacks: tuple[str, ...] = ()
    adapter: str = ""
    limits: Limits = field(default_factory=Limits)
    rule: str = ""
    because: tuple[Said, ...] = ()
    refused: bool = False

    @property
    def where(self) -> dict[str, Any]:
        """The `rule`, and the `file` and `line` where it stands; empty where none fits."""
        return dict(self.because[0].params) if self.rule else {}

    def sentence(self, language: str) -> str:
        """“This would go to …, because …”."""
        said = self.model or translate("routes.default", language)
        first, *rest = (part.text(language) for part in self.because)
        because = f"{first} {', '.join(rest)}".rstrip()
        key = "routes.refused" if self.refused else "routes.goes"
        text = translate(key, language, model=said, because=because)
        if self.fallbacks:
            names = ", ".join(name or translate("routes.default", language) for name in self.fallbacks)
            text = f"{text} {translate('routes.else', language, models=names)}"
        return text

    def as_wire(self, language: str) -> dict[str, Any]:
        """As JSON, with the sentence in `language`."""
        return {
            "model": self.model,
            "fallbacks": list(self.fallbacks),
            "adapter": self.adapter,
            "limits": self.limits.model_dump(exclude_none=True),
            "rule": self.rule,
            "refused": self.refused,
            "because": [part.as_wire() for part in self.because],
            "sentence": self.sentence(language),
        }


_NOTHING = Reading(None, (), ())


@dataclass
class _Source:
    """A file of rules: how it was when it was read last, and the last of it that made sense."""

    file: Path
    workspace: bool = False
    stamp: _Stamp | bool = False
    reading: Reading = _NOTHING
    routes: WorkspaceRoutes | None = None
    rules: tuple[Compiled, ...] = ()

    def stat(self) -> _Stamp:
        try:
            found = os.stat(self.file)  # noqa: PTH116 - twice as fast as Path.stat, at each request
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def update(
        self,
        known: Collection[str] | None,
        before: Callable[[WorkspaceRoutes], None] = lambda routes: None,
    ) -> None:
        """Read it anew; `before` is called with what it says before that counts."""
        stamp = self.stat()
        self.reading = load(self.file, known, workspace=self.workspace)
        if self.reading.routes is not None:
            before(self.reading.routes)
            self.routes, self.rules = self.reading.routes, self.reading.rules
        self.stamp = stamp  # last: until then it is stale, and who asks meanwhile waits


def load(file: Path, known: Collection[str] | None = None, *, workspace: bool = False) -> Reading:
    """Read a file; one that is not there has no rules. The arguments are those of `reading.read`."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        return Reading(_EMPTY, (), ())
    except UnicodeDecodeError:
        return Reading(None, (), (Problem("error.routes.encoding", Range()),))
    except OSError as failure:
        params = {"reason": reason_of(failure)}
        return Reading(None, (), (Problem("error.routes.unreadable", Range(), params=params),))
    return read(text, known, workspace=workspace)


_EMPTY = Routes()


class Router:
    """The rules in force.

    Args:
        file: the user's `routes.yaml`; it need not be there.
        known: names of the models there are, as `reading.read` takes them; asked when a file is read.
        is_here: whether a model is on this machine, so that it may answer what is private.
    """

    def __init__(
        self,
        file: Path,
        known: Callable[[], Collection[str] | None] = lambda: None,
        is_here: Callable[[str], bool] = lambda name: True,
    ) -> None:
        self.file = file
        self.is_here = is_here
        self._known = known
        self._user = _Source(file)
        self._workspaces: dict[str, _Source] = {}
        self._reading = threading.Lock()

    def decide(self, ask: Ask) -> Decision:
        """Where `ask` goes; a file that was saved counts from now on."""
        self.refresh()
        decision = self._ruled(ask)
        if not ask.private:
            return decision
        here = [name for name in (decision.model, *decision.fallbacks) if not name or self.is_here(name)]
        if not here:
            return replace(decision, fallbacks=(), refused=True)
        adapter = decision.adapter if here[0] == decision.model else ""
        return replace(decision, model=here[0], fallbacks=tuple(here[1:]), adapter=adapter)

    def _ruled(self, ask: Ask) -> Decision:
        seen = Seen(ask)
        workspaces = self._workspaces
        around = _around(ask.place) if workspaces else frozenset()
        for folder, source in workspaces.items():
            if folder in around:
                for rule in source.rules:
                    if rule.fits(seen):
                        return _decision(rule, ask, source.file)
        for rule in self._user.rules:
            if rule.fits(seen):
                return _decision(rule, ask, self.file)
        return Decision(because=(Said("routes.because.none" if self.rules else "routes.because.no_rules"),))

    def refresh(self) -> None:
        """Read anew what was changed since. Costs one `stat` a file where nothing was."""
        if self.stale:
            with self._reading:
                self._load(self._known())

    @property
    def stale(self) -> bool:
        """Whether a file was changed since it was read."""
        return any(source.stamp != source.stat() for source in (self._user, *self._workspaces.values()))

    @property
    def known(self) -> Collection[str] | None:
        """Names of the models there are."""
        return self._known()

    @property
    def rules(self) -> tuple[Compiled, ...]:
        """The user's rules in force."""
        return self._user.rules

    @property
    def routes(self) -> Routes:
        """All that the user's file said when it made sense last."""
        found = self._user.routes
        return found if isinstance(found, Routes) else _EMPTY

    @property
    def problems(self) -> list[RoutesError]:
        """The errors of the files as they were read last; warnings are for who edits the rules."""
        sources = (self._user, *self._workspaces.values())
        return [
            problem.error(str(source.file))
            for source in sources
            for problem in source.reading.problems
            if problem.severity == "error"
        ]

    def _load(self, known: Collection[str] | None) -> None:
        def allow(routes: WorkspaceRoutes) -> None:
            given = routes.workspaces if isinstance(routes, Routes) else ()
            found = {
                folder: self._workspaces.get(folder) for folder in (_folder(each, base) for each in given)
            }
            allowed = {
                folder: source or _Source(Path(folder, WORKSPACE_FILE), workspace=True)
                for folder, source in found.items()
            }
            for source in allowed.values():
                if source.stamp != source.stat():
                    source.update(known)
            self._workspaces = allowed

        base = self.file.parent
        if self._user.stamp != self._user.stat():
            self._user.update(known, allow)
        for source in self._workspaces.values():
            if source.stamp != source.stat():
                source.update(known)


def _decision(compiled: Compiled, ask: Ask, file: Path) -> Decision:
    rule = compiled.rule
    params = {"rule": rule.name, "file": file.name, "line": compiled.line}
    held = reasons(ask, rule.when)
    key = "routes.because.rule" if held else "routes.because.always"
    return Decision(
        model=_name(rule.target),
        fallbacks=tuple(dict.fromkeys(map(_name, rule.fallbacks))),
        adapter=rule.adapter or "",
        limits=rule.limits,
        rule=rule.name,
        because=(Said(key, params), *held),
    )


def _name(model: str) -> str:
    return "" if model in DEFAULT_MODELS else model


def _folder(given: str, base: Path) -> str:
    """An absolute path without links, as places are compared."""
    return os.path.realpath(base / Path(given).expanduser())


def _around(place: str) -> frozenset[str]:
    """The place and all folders that it is in, without links."""
    if not place:
        return frozenset()
    try:
        real = PurePath(os.path.realpath(place))
    except ValueError:  # no path at all
        return frozenset()
    return frozenset(map(str, (real, *real.parents)))
