from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent import __version__
from ide_agent.versions import OURS, PROTOCOL, Program, compare

VERSIONS = st.builds(
    "{}{}".format,
    st.lists(st.integers(0, 12), min_size=1, max_size=4).map(lambda numbers: ".".join(map(str, numbers))),
    st.sampled_from(["", "a1", "b2", "rc1", "rc2", ".dev3", ".post1", "+local.1"]),
) | st.text(max_size=5)
PROGRAMS = st.builds(Program, VERSIONS, st.integers(0, 3))


@pytest.mark.parametrize(
    ("host", "ours", "relation"),
    [
        ("0.1.0", "0.1.0", "fits"),
        ("0.1", "0.1.0", "fits"),
        ("0.1.0", "0.2.0", "older"),
        ("0.2.0", "0.1.0", "fits"),
        ("0.9.0", "0.10.0", "older"),
        ("0.10.0", "0.9.0", "fits"),
        ("1.0.0rc1", "1.0.0", "older"),
        ("1.0.0.dev1", "1.0.0", "older"),
        ("1.0.0rc1", "1.0.0rc2", "older"),
        ("1.0.0", "1.0.0.post1", "older"),
        ("1.0.0", "1.0.0rc1", "fits"),
        ("1.0.0+abc", "1.0.0", "fits"),
        ("nonsense", "0.1.0", "older"),
    ],
)
def test_of_two_versions_with_one_protocol_the_newer_serves(host: str, ours: str, relation: str) -> None:
    assert compare(Program(host, 1), Program(ours, 1)) == relation


def test_a_newer_one_that_speaks_otherwise_stays() -> None:
    assert compare(Program("0.2.0", 2), Program("0.1.0", 1)) == "newer"
    assert compare(Program("0.1.0", 1), Program("0.2.0", 2)) == "older"
    assert compare(Program("0.1.0", 1), Program("0.1.0", 2)) == "older"
    assert compare(Program("0.1.0", 2), Program("0.1.0", 1)) == "newer"


@given(PROGRAMS, PROGRAMS)
def test_two_programs_never_replace_each_other(one: Program, other: Program) -> None:
    assert compare(one, one) == "fits"
    assert "older" not in (compare(one, other), compare(other, one)) or compare(one, other) != compare(
        other, one
    )


@given(PROGRAMS, PROGRAMS, PROGRAMS)
def test_nor_do_three_in_a_ring(one: Program, two: Program, three: Program) -> None:
    ring = [(one, two), (two, three), (three, one)]
    assert not all(compare(host, ours) == "older" for host, ours in ring)


def test_ours() -> None:
    assert Program(__version__, PROTOCOL) == OURS
