"""Are two lines nearly the same?"""

from __future__ import annotations

import re
from collections import Counter

_DIGITS = re.compile(r"\d+")


def is_nontrivial(line: str) -> bool:
    """`line` says enough that saying it twice is a repetition: more than a bracket or a keyword."""
    return sum(char.isalnum() for char in line) >= 4


def nearly_equal(one: str, two: str, share: float) -> bool:
    """Edit distance below `share` of the longer line, and the same numbers in the same order.

    Rows such as ``a[1] = x[1]`` and ``a[2] = x[2]`` differ little and are no repetition.
    """
    one, two = one.strip(), two.strip()
    if one == two:
        return True
    longest = max(len(one), len(two))
    allowed = int(longest * share)
    if allowed == 0 or abs(len(one) - len(two)) > allowed or longest > 400:
        return False
    letters = Counter(one)
    letters.subtract(two)
    if sum(count for count in letters.values() if count > 0) > allowed:
        return False
    return _DIGITS.findall(one) == _DIGITS.findall(two) and distance(one, two, allowed) <= allowed


def distance(one: str, two: str, most: int) -> int:
    """Levenshtein distance, or `most` + 1 when it is larger than `most`."""
    if abs(len(one) - len(two)) > most:
        return most + 1
    row = list(range(len(two) + 1))
    for i, char in enumerate(one, 1):
        low, high = max(1, i - most), min(len(two), i + most)
        previous, row = row, [most + 1] * (len(two) + 1)
        row[0] = i
        for j in range(low, high + 1):
            row[j] = min(previous[j - 1] + (char != two[j - 1]), previous[j] + 1, row[j - 1] + 1)
        if min(row[low - 1 : high + 1]) > most:
            return most + 1
    return min(row[-1], most + 1)
