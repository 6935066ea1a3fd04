from ide_agent.features.completion.postprocess.draft import Draft


def test_a_cut_ends_the_suggestion():
    assert Draft("abc").cut(2) == Draft("ab", ended=True)


def test_a_cut_takes_no_character_apart():
    combined = "ae\u0301b"
    assert Draft(combined).cut(2).text == "a"
    assert Draft(combined).cut(3).text == "ae\u0301"
    family = "x👩\u200d👧y"
    assert Draft(family).cut(3).text == "x"
    assert Draft(family).cut(2).text == "x"
    assert Draft("👍🏽").cut(1).text == ""
    assert Draft("❤\ufe0f").cut(1).text == ""


def test_a_cut_at_either_end():
    assert Draft("ab").cut(0).text == ""
    assert Draft("ab").cut(2).text == "ab"
