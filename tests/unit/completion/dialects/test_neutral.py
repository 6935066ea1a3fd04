import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.features.completion.dialects.neutral import neutral
from ide_agent.features.completion.templates import CODELLAMA, CODESTRAL, QWEN, STARCODER, FimTemplate
from ide_agent.features.completion.wire import CompletionRequest, SnippetBody

SPELLINGS = [
    *("<|fim_suffix|>", "<|im_start|>", "<｜fim▁hole｜>", "[INST]", "[SUFFIX]", "<SUF>", "<fim_middle>"),
    *("<|endoftext|>", "</s>", "<start_of_turn>", "<|file_sep|>", "<bos>"),
]
FAMILIES = [None, QWEN, STARCODER, CODESTRAL, CODELLAMA]


def request(prefix: str, suffix: str = "", **more: object) -> CompletionRequest:
    return CompletionRequest.model_validate({"document": "d", "prefix": prefix, "suffix": suffix, **more})


def test_what_has_no_special_token_stays() -> None:
    body = request("a < b\n|> c", "[x]\n", snippets=[SnippetBody(path="b.py", text="if a < b: ...")])
    assert neutral(body, QWEN) == body


def test_the_document_is_cut_at_the_tokens_next_to_the_cursor() -> None:
    body = neutral(request("a\n<|fim_suffix|>b\nc <|im_end|> d\ne", "f\n<|im_start|> g"), None)
    assert (body.prefix, body.suffix) == (" d\ne", "f\n")
    assert body.prefix_line == 2


def test_pieces_of_other_files_go_as_a_whole() -> None:
    fine, bad = SnippetBody(path="b.py", text="x"), SnippetBody(path="c.py", text="x <|im_start|>")
    odd = SnippetBody(path="<|im_start|>.py", text="x")
    body = neutral(request("x", snippets=[bad, fine, odd], declarations=[bad], path="[INST].py"), QWEN)
    assert (body.snippets, body.declarations, body.path) == ([fine], [], "")


def test_families_have_tokens_of_their_own() -> None:
    assert neutral(request("<filename>x"), QWEN).prefix == "<filename>x"
    assert neutral(request("<filename>x"), STARCODER).prefix == "x"


@pytest.mark.parametrize("template", FAMILIES)
@given(
    st.lists(st.sampled_from([*SPELLINGS, "x", "\n", "<", "|>", "fim", "_", "["]), max_size=12),
    st.integers(0, 12),
)
def test_no_special_token_is_left(template: FimTemplate | None, words: list[str], at: int) -> None:
    body = neutral(request("".join(words[:at]), "".join(words[at:])), template)
    left = re.compile("|".join(map(re.escape, SPELLINGS)))
    assert not left.search(body.prefix)
    assert not left.search(body.suffix)
    assert "".join(words[:at]).endswith(body.prefix)
    assert "".join(words[at:]).startswith(body.suffix)
