"""Whether a host of another version serves us: editors bring environments of their own, all share one host.

The newest of them wins and serves the others, so that no two of them replace each other for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ide_agent import __version__

# Of what lsp and host say to each other (docs/protocol.md). Goes up with what the other side, when it is
# older, would not understand; what it may ignore is no reason.
PROTOCOL = 1
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")
_Rank = tuple[tuple[int, ...], bool, tuple[int, ...]]


@dataclass(frozen=True)
class Program:
    """What a process says of itself.

    Attributes:
        version: as `ide_agent.__version__`.
        protocol: as `PROTOCOL`; 0 when it does not say.
    """

    version: str
    protocol: int


OURS = Program(__version__, PROTOCOL)


def compare(host: Program, ours: Program = OURS) -> Literal["fits", "older", "newer"]:
    """``fits``: it serves us. ``older``: to be replaced. ``newer``: it is to stay, but speaks otherwise."""
    if (_rank(host.version), host.protocol) < (_rank(ours.version), ours.protocol):
        return "older"
    return "fits" if host.protocol == ours.protocol else "newer"


def _rank(version: str) -> _Rank:
    """Orders versions by their numbers, pre-releases before the release."""
    found = _NUMBERS.match(version)
    if found is None:
        return (), False, ()
    numbers = [int(number) for number in found[0].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    rest = version[found.end() :].partition("+")[0]
    final = not rest or rest.startswith(".post")
    return tuple(numbers), final, tuple(int(number) for number in re.findall(r"\d+", rest))
