"""Fill-in-the-middle templates: how each model family wants prefix and suffix written.

A prompt is a list of parts: a string is text, an int a token id. A GGUF file may declare its sentinels'
ids (``tokenizer.ggml.fim_*_token_id``), so the template is right whatever they are called; those of a family
are spelled out here and looked up in the model's vocabulary (`resolve`).

Sources: the model cards and papers of the families (StarCoder 2305.06161, Code Llama 2308.12950 §3.2,
DeepSeek-Coder 2401.14196, Qwen2.5-Coder 2409.12186, CodeGemma 2406.11409, Granite Code 2405.04324), and for
Codestral Mistral's tokenizer (suffix first).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

Part = str | int


class Tokenize(Protocol):
    """A model's tokeniser; see `ide_agent.inference.Engine.tokenize`."""

    async def __call__(self, text: str, *, special: bool = False) -> Sequence[int]:
        """The token ids of `text`, without a start token."""


@dataclass(frozen=True, slots=True)
class FimTemplate:
    """Three sentinels and their order."""

    name: str
    prefix: Part
    suffix: Part
    middle: Part | None
    file_separator: Part = ""
    """Written before ``path\\n`` of each file where the family was trained on repositories."""
    suffix_first: bool = False

    def build(self, prefix: Sequence[Part], suffix: Sequence[Part]) -> list[Part]:
        """The prompt's parts for a hole between `prefix` and `suffix`.

        An empty suffix becomes a newline: several families end at once when there is none (case 24).
        """
        suffix = suffix or ["\n"]
        if self.suffix_first:
            parts: list[Part] = [self.suffix, *suffix, self.prefix, *prefix]
        else:
            parts = [self.prefix, *prefix, self.suffix, *suffix]
        return parts if self.middle is None else [*parts, self.middle]


QWEN = FimTemplate("qwen", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>")
STARCODER = FimTemplate("starcoder", "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<file_sep>")
CODELLAMA = FimTemplate("codellama", "▁<PRE>", "▁<SUF>", "▁<MID>")
DEEPSEEK = FimTemplate("deepseek", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")
CODEGEMMA = FimTemplate(
    "codegemma", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_separator|>"
)
CODESTRAL = FimTemplate("codestral", "[PREFIX]", "[SUFFIX]", None, suffix_first=True)
GRANITE = FimTemplate("granite", "<fim_prefix>", "<fim_suffix>", "<fim_middle>")

_FAMILIES: tuple[tuple[str, FimTemplate], ...] = (
    (r"codestral", CODESTRAL),
    (r"code-?gemma", CODEGEMMA),
    (r"code-?llama", CODELLAMA),
    (r"deepseek.*coder", DEEPSEEK),
    (r"qwen.*coder|codeqwen|qwen3-?(next|coder)", QWEN),
    (r"granite.*(code|3b|8b|20b|34b)", GRANITE),
    (r"star-?coder|refact|smol.*coder", STARCODER),
)

_SENTINEL = (
    r"<\|[\w.▁ -]{2,40}\|>|<｜[\w▁ -]{2,40}｜>|<(?:fim|file|repo)[_-]\w+>"
    r"|<(?:PRE|SUF|MID|EOT)>|\[(?:PREFIX|SUFFIX|MIDDLE)\]|</?s>|<end_of_\w+>"
)


def choose(name: str, fim_tokens: Mapping[str, int]) -> FimTemplate | None:
    """The template for a model, or None for a prefix-only one.

    Args:
        name: file name and ``general.name`` of the model, in any case.
        fim_tokens: token ids that the GGUF declares, by ``prefix``, ``suffix``, ``middle``.
    """
    family = next((t for pattern, t in _FAMILIES if re.search(pattern, name.lower())), None)
    declared = [fim_tokens.get(role) for role in ("prefix", "suffix", "middle")]
    prefix, suffix, middle = declared
    if prefix is not None and suffix is not None and middle is not None:
        base = family or FimTemplate("declared", prefix, suffix, middle)
        order = base.suffix_first and base.middle is None
        return replace(base, prefix=prefix, suffix=suffix, middle=None if order else middle)
    return family


async def resolve(template: FimTemplate | None, tokenize: Tokenize) -> FimTemplate | None:
    """`template` with token ids for all its sentinels.

    Returns:
        None where the vocabulary lacks one of them: such a model never learnt to fill in.
    """
    if template is None:
        return None
    prefix, suffix = await _id(template.prefix, tokenize), await _id(template.suffix, tokenize)
    middle = template.middle if template.middle is None else await _id(template.middle, tokenize)
    if prefix is None or suffix is None or (middle is None and template.middle is not None):
        return None
    separator = await _id(template.file_separator, tokenize) if template.file_separator else None
    return replace(
        template,
        prefix=prefix,
        suffix=suffix,
        middle=middle,
        file_separator="" if separator is None else separator,
    )


async def _id(sentinel: Part, tokenize: Tokenize) -> int | None:
    if isinstance(sentinel, int):
        return sentinel
    ids = await tokenize(sentinel, special=True)
    return ids[0] if len(ids) == 1 else None


def sentinels(special: Iterable[str] = ()) -> re.Pattern[str]:
    """What an engine may read as a token of its own where it stands in a text.

    Args:
        special: spellings that the model's vocabulary declares; engines add some that it forgot.
    """
    return re.compile("|".join([*map(re.escape, special), _SENTINEL]))
