"""What is wrong with a file of rules, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ide_agent.errors import RoutesError
from ide_agent.locale import translate


class Range(NamedTuple):
    """A place in a text: lines and columns from 0, columns in characters, the end exclusive."""

    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    @classmethod
    def of(cls, start: Any, end: Any) -> Range:
        """Between two marks of a YAML parser."""
        return cls(start.line, start.column, end.line, end.column)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        key: message key.
        at: where.
        severity: an ``error`` leaves the last good rules in force; with a ``warning`` the rules count.
        params: of the message.
    """

    key: str
    at: Range
    severity: Literal["error", "warning"] = "error"
    params: dict[str, Any] = field(default_factory=dict)

    def message(self, language: str) -> str:
        """What is wrong and what to do, without the place."""
        return translate(self.key, language, **self.params)

    def error(self, file: str) -> RoutesError:
        """The same as an error, which names the place."""
        return RoutesError(self.key, file=file, line=self.at.line + 1, **self.params)

    def as_wire(self, language: str) -> dict[str, Any]:
        """For who shows it beside the text."""
        return {
            "code": self.key,
            "severity": self.severity,
            "message": self.message(language),
            "range": self.at._asdict(),
        }
