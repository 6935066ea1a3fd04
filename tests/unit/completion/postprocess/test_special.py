import pytest

from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.postprocess.special import cut_special
from ide_agent.features.completion.shape import Shape
from support.cursor import at_cursor

CODE = Shape("statement", 0, 12, 96, (), "code")
STRING = Shape("line", 0, 1, 48, (), "string")


def cut(raw, source="x = ‸\n", language="python", *, final=True, shape=CODE):
    return cut_special(Draft(raw), at_cursor(source, language), shape, final=final)


@pytest.mark.parametrize(
    "token",
    [
        "<|endoftext|>", "<|im_end|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_separator|>",
        "<|eot_id|>",
        "<|cursor|>", "<|repo_name|>", "<｜fim▁end｜>", "<｜end▁of▁sentence｜>", "<fim_prefix>",
        "<fim_suffix>",
        "<file_sep>", "<filename>", "<reponame>", "<gh_stars>", " <PRE>", " <SUF>", " <MID>",
        "▁<EOT>", "</s>", "<s>",
        "<eos>", "<pad>", "<unk>", "[INST]", "[/INST]", "<<SYS>>", "[SUFFIX]", "[PREFIX]",
        "<end_of_turn>",
        "<start_of_turn>", "<fim-suffix>",
    ],
)  # fmt: skip
def test_case_21_special_tokens_are_not_shown(token):
    assert cut(f"1{token}garbage\nmore") == Draft("1", ended=True)


@pytest.mark.parametrize("tail", ["<|endof", "<|im_end|", "<｜fim▁"])
def test_case_21_nor_is_the_beginning_of_one(tail):
    assert cut(f"1{tail}") == Draft("1", ended=True)
    assert cut(f"1{tail}", final=False).text == f"1{tail}"


@pytest.mark.parametrize(
    "token", ["<|fim_middle|>", "<fim_middle>", " <MID>".strip(), "<｜fim▁hole｜>", "<s>"]
)
def test_a_token_that_begins_the_answer_is_taken_away(token):
    assert cut(f"{token}1 + 2") == Draft("1 + 2")


def test_a_token_that_ends_it_at_once_leaves_nothing():
    assert cut("<|endoftext|>def other():") == Draft("", ended=True)


def test_case_22_special_tokens_of_the_user_stay():
    source = 'EOS = "<|endoftext|>"\nPAD = "<pad>"\nx = ‸\n'
    assert cut('["<|endoftext|>", "<pad>"]', source) == Draft('["<|endoftext|>", "<pad>"]')
    assert cut('"<|endof', source).text == '"<|endof'
    assert cut('"<|im_end|>"', source) == Draft('"', ended=True)


def test_case_22_tags_are_code_where_they_are_code():
    for text in ("<s>old</s>", "<s>old", "a <pad>"):
        assert cut(text, "<p>‸</p>", "html") == Draft(text)


@pytest.mark.parametrize(
    "text", ["a <| b", "x |> f <| y", "List<String>", "a[PREFIX_LENGTH]", "<T extends s>", "a<s"]
)
def test_operators_and_generics_are_no_tokens(text):
    assert cut(text) == Draft(text)


def test_a_markdown_fence_around_code_is_dropped():
    assert cut("```python\nx = 1\n```\nThis sets x.") == Draft("x = 1\n", ended=True)
    assert cut("x = 1\n```\n").text == "x = 1\n"
    assert cut("```\ncode\n```", shape=STRING).text == "```\ncode\n```"
