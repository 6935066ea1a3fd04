import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.features.completion import templates
from ide_agent.features.completion.templates import SENTINEL, choose, plain

NONE: dict[str, int] = {}


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("qwen2.5-coder-1.5b-q8_0.gguf Qwen2.5 Coder 1.5B", "qwen"),
        ("starcoder2-3b.Q4_K_M.gguf starcoder2", "starcoder"),
        ("codellama-7b.Q4_0.gguf", "codellama"),
        ("deepseek-coder-1.3b-base.gguf", "deepseek"),
        ("codegemma-2b-f16.gguf", "codegemma"),
        ("Codestral-22B-v0.1.gguf", "codestral"),
        ("granite-3b-code-base.gguf", "granite"),
    ],
)
def test_a_family_is_known_by_its_name(name: str, family: str) -> None:
    template = choose(name, NONE)
    assert template is not None
    assert template.name == family


@pytest.mark.parametrize("name", ["SmolLM2-135M-Instruct.Q4_1.gguf", "Llama-3.2-1B", "qwen2.5-1.5b-instruct"])
def test_models_without_fim_are_prefix_only(name: str) -> None:
    assert choose(name, NONE) is None


def test_the_ggufs_own_tokens_win_over_the_familys_spelling() -> None:
    template = choose("qwen2.5-coder-1.5b", {"prefix": 7, "suffix": 8, "middle": 9})
    assert template is not None
    assert template.build("a", "b") == [7, "a", 8, "b", 9]
    assert template.file_separator == "<|file_sep|>"


def test_an_unknown_model_with_declared_tokens_has_a_template() -> None:
    template = choose("my-own-model", {"prefix": 1, "suffix": 2, "middle": 3})
    assert template is not None
    assert template.build("a", "b") == [1, "a", 2, "b", 3]


def test_codestral_wants_the_suffix_first() -> None:
    assert templates.CODESTRAL.build("a", "b") == ["[SUFFIX]", "b", "[PREFIX]", "a"]


def test_case_24_an_empty_suffix_is_not_sent_empty() -> None:
    assert templates.QWEN.build("a", "")[3] == "\n"


def test_case_22_special_tokens_in_the_users_source_are_cut_in_two() -> None:
    source = 'TOKENS = ["<|fim_prefix|>", "<fim_middle>", "</s>"]'
    parts = plain(source)
    assert "".join(map(str, parts)) == source
    assert len(parts) == 4
    assert not any(SENTINEL.search(str(part)) for part in parts)


@given(st.text(alphabet="<|>fim_preuadl[]SUFIX▁｜/s ", max_size=80))
def test_case_22_plain_loses_nothing_and_leaves_no_sentinel(source: str) -> None:
    parts = plain(source)
    assert "".join(map(str, parts)) == source
    assert not any(SENTINEL.search(str(part)) for part in parts)
