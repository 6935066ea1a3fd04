from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.postprocess.limits import cut_overlong
from ide_agent.features.completion.shape import Shape

SHAPE = Shape("block", 0, 2, 96, (), "code")


def test_case_33_an_overlong_suggestion():
    assert cut_overlong(Draft("a\nb\nc"), SHAPE) == Draft("a\nb\n", ended=True)
    assert cut_overlong(Draft("a\n" + "b" * 2000), SHAPE) == Draft("a\n", ended=True)
    assert cut_overlong(Draft("b" * 2000), SHAPE) == Draft("", ended=True)


def test_the_line_end_behind_an_opener_is_no_line():
    assert cut_overlong(Draft("\na\nb\nc"), SHAPE) == Draft("\na\nb\n", ended=True)


def test_what_is_short_enough_stays():
    assert cut_overlong(Draft("a\nb"), SHAPE) == Draft("a\nb")
