from ide_agent.features.completion.dialects.base import Hole
from ide_agent.features.completion.dialects.suffix import Suffix


def test_the_api_writes_the_hole() -> None:
    fields = Suffix().fields(Hole("python", "# a.py\n", "x = ", "\ny"))
    assert fields == {"prompt": "# a.py\nx = ", "suffix": "\ny"}


def test_a_suffix_is_never_empty() -> None:
    assert Suffix().fields(Hole("python", "", "x", ""))["suffix"] == "\n"
