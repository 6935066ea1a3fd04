"""Are two lines nearly the same?"""

from __future__ import annotations

import re
from collections import Counter

_WORD = re.compile(r"\w+")
_FOUR_LETTERS = re.compile(r"(?:[^\W_][\W_]*){4}")


def is_nontrivial(line: str) -> bool:
    """`line` says enough that saying it twice is a repetition: more than a bracket or a keyword."""
    return _FOUR_LETTERS.search(line) is not None


def nearly_equal(one: str, two: str, share: float) -> bool:
    """Edit distance at most `share` of the longer line, and the same words but for a last letter.

    Rows such as ``self.left = left(1)`` and ``self.lift = lift(2)`` differ little and are no repetition.
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
    return _same_words(one, two) and distance(one, two, allowed) <= allowed


def _same_words(one: str, two: str) -> bool:
    ours, theirs = _WORD.findall(one), _WORD.findall(two)
    return len(ours) == len(theirs) and all(map(_same_word, ours, theirs))


def _same_word(one: str, two: str) -> bool:
    short, long = sorted((one, two), key=len)
    return short == long or (long[:-1] == short and long[-1].isalpha())


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
