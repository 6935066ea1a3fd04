from collections.abc import Sequence

import pytest

from ide_agent.features.completion import templates
from ide_agent.features.completion.templates import Part, choose, resolve, sentinels

NONE: dict[str, int] = {}


def tokenizer(*special: str) -> templates.Tokenize:
    """One token a letter; the special ones are tokens of their own, on demand."""

    async def tokenize(text: str, *, special: bool = False) -> Sequence[int]:
        return [1000 + known.index(text)] if special and text in known else [ord(letter) for letter in text]

    known = special
    return tokenize


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


@pytest.mark.parametrize(
    "name",
    [
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "Llama-3.2-1B",
        "qwen2.5-1.5b-instruct",
        "gpt_bigcode-santacoder",  # whose sentinels are not StarCoder's: <fim-prefix>
    ],
)
def test_models_without_fim_are_prefix_only(name: str) -> None:
    assert choose(name, NONE) is None


def test_the_ggufs_own_tokens_win_over_the_familys_spelling() -> None:
    template = choose("qwen2.5-coder-1.5b", {"prefix": 7, "suffix": 8, "middle": 9})
    assert template is not None
    assert template.build(["a"], ["b"]) == [7, "a", 8, "b", 9]
    assert template.file_separator == "<|file_sep|>"


def test_an_unknown_model_with_declared_tokens_has_a_template() -> None:
    template = choose("my-own-model", {"prefix": 1, "suffix": 2, "middle": 3})
    assert template is not None
    assert template.build(["a"], ["b"]) == [1, "a", 2, "b", 3]


def test_case_24_an_empty_suffix_is_not_sent_empty() -> None:
    assert templates.QWEN.build(["a"], [])[3] == "\n"


PROMPTS = {
    templates.QWEN: "<|fim_prefix|>BEFORE<|fim_suffix|>AFTER<|fim_middle|>",
    templates.STARCODER: "<fim_prefix>BEFORE<fim_suffix>AFTER<fim_middle>",
    templates.CODELLAMA: "▁<PRE>BEFORE▁<SUF>AFTER▁<MID>",
    templates.DEEPSEEK: "<｜fim▁begin｜>BEFORE<｜fim▁hole｜>AFTER<｜fim▁end｜>",
    templates.CODEGEMMA: "<|fim_prefix|>BEFORE<|fim_suffix|>AFTER<|fim_middle|>",
    templates.CODESTRAL: "[SUFFIX]AFTER[PREFIX]BEFORE",
    templates.GRANITE: "<fim_prefix>BEFORE<fim_suffix>AFTER<fim_middle>",
}


@pytest.mark.parametrize(("family", "prompt"), PROMPTS.items(), ids=lambda each: getattr(each, "name", ""))
def test_how_a_family_writes_a_hole(family: templates.FimTemplate, prompt: str) -> None:
    assert "".join(map(str, family.build(["BEFORE"], ["AFTER"]))) == prompt


@pytest.mark.parametrize("family", PROMPTS, ids=lambda family: family.name)
async def test_a_familys_sentinels_become_ids(family: templates.FimTemplate) -> None:
    parts: list[Part] = [family.prefix, family.suffix, family.file_separator]
    spelled = [part for part in (*parts, family.middle) if isinstance(part, str) and part]
    known = await resolve(family, tokenizer(*spelled))
    assert known is not None
    ids = {1000 + number: text for number, text in enumerate(spelled)}
    built = [ids[part] if isinstance(part, int) else part for part in known.build(["BEFORE"], ["AFTER"])]
    assert "".join(built) == PROMPTS[family]
    assert isinstance(known.file_separator, int) == bool(family.file_separator)


@pytest.mark.parametrize("missing", ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"])
async def test_a_model_that_lacks_a_sentinel_never_learnt_to_fill_in(missing: str) -> None:
    there = {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"} - {missing}
    assert await resolve(templates.STARCODER, tokenizer(*there)) is None


async def test_a_separator_that_the_vocabulary_lacks_is_left_out() -> None:
    known = await resolve(
        templates.STARCODER, tokenizer("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "other")
    )
    assert known is not None
    assert known.file_separator == ""


async def test_declared_ids_are_not_looked_up() -> None:
    declared = choose("own", {"prefix": 1, "suffix": 2, "middle": 3})
    assert await resolve(declared, tokenizer()) == declared
    assert await resolve(None, tokenizer()) is None


@pytest.mark.parametrize(
    "source",
    [
        "x <|im_end|> y",
        "a <fim_middle>",
        "</s>",
        "<｜fim▁hole｜>",
        "[SUFFIX]",
        "<end_of_turn>",
        "run <filename>",
    ],
)
def test_case_22_special_tokens_in_the_users_source_are_noticed(source: str) -> None:
    assert sentinels(["<filename>", "a.b"]).search(source)


@pytest.mark.parametrize("source", ["a < b > c", "List<String>", "x[0]", "acb", "<p>", "a | b"])
def test_ordinary_source_is_not_taken_for_special_tokens(source: str) -> None:
    assert not sentinels(["<filename>", "a.b"]).search(source)
