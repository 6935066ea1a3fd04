import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.features.completion.postprocess.near import distance, is_nontrivial, nearly_equal


@pytest.mark.parametrize(
    ("one", "two", "share", "expected"),
    [
        ("return value", "return value", 0.0, True),
        ("    return value", "return value  ", 0.0, True),
        ("return self.value_of(item)", "return self.value_of(items)", 0.1, True),
        ("return self.value_of(item)", "return self.kind_of(thing)", 0.1, False),
        ("assert f(100, value) == expected", "assert f(200, value) == expected", 0.1, False),
        ("a = b", "a = c", 0.1, False),
        ("x" * 500, "x" * 499, 0.1, False),
    ],
)
def test_nearly_equal(one, two, share, expected):
    assert nearly_equal(one, two, share) is expected


@pytest.mark.parametrize(("line", "expected"), [("}", False), ("});", False), ("end", False), ("pass", True)])
def test_is_nontrivial(line, expected):
    assert is_nontrivial(line) is expected


def reference(one, two):
    row = list(range(len(two) + 1))
    for i, char in enumerate(one, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(two, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (char != other))
    return row[-1]


@given(st.text(alphabet="ab", max_size=9), st.text(alphabet="ab", max_size=9), st.integers(0, 9))
def test_distance_up_to_a_limit(one, two, most):
    assert distance(one, two, most) == min(reference(one, two), most + 1)
