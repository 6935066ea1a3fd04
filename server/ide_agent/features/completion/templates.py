"""Fill-in-the-middle templates: how each model family wants prefix and suffix written.

A prompt is a list of parts: a string is text, an int a token id. Ids are used where the GGUF declares its
own (``tokenizer.ggml.fim_*_token_id``), so the template is right whatever the tokens are called.

Sources: the model cards and papers of the families (StarCoder 2305.06161, Code Llama 2308.12950 §3.2,
DeepSeek-Coder 2401.14196, Qwen2.5-Coder 2409.12186, CodeGemma 2406.11409, Granite Code 2405.04324), and for
Codestral Mistral's tokenizer (suffix first).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Part = str | int


@dataclass(frozen=True, slots=True)
class FimTemplate:
    """Three sentinels and their order."""

    name: str
    prefix: Part
    suffix: Part
    middle: Part | None
    file_separator: str = ""
    """Written before ``path\\n`` of each file where the family was trained on repositories."""
    suffix_first: bool = False
    stop: tuple[str, ...] = ()

    def build(self, prefix: str, suffix: str) -> list[Part]:
        """The prompt's parts for a hole between `prefix` and `suffix`.

        An empty suffix becomes a newline: several families end at once when there is none (case 24).
        """
        suffix = suffix or "\n"
        if self.suffix_first:
            parts: list[Part] = [self.suffix, suffix, self.prefix, prefix]
        else:
            parts = [self.prefix, prefix, self.suffix, suffix]
        return parts if self.middle is None else [*parts, self.middle]


QWEN = FimTemplate(
    "qwen",
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|file_sep|>",
    stop=("<|endoftext|>", "<|file_sep|>"),
)
STARCODER = FimTemplate(
    "starcoder",
    "<fim_prefix>",
    "<fim_suffix>",
    "<fim_middle>",
    "<file_sep>",
    stop=("<|endoftext|>", "<file_sep>"),
)
CODELLAMA = FimTemplate("codellama", "<PRE> ", " <SUF>", " <MID>", stop=("<EOT>",))
DEEPSEEK = FimTemplate(
    "deepseek", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", stop=("<｜end▁of▁sentence｜>",)
)
CODEGEMMA = FimTemplate(
    "codegemma",
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|file_separator|>",
    stop=("<|file_separator|>",),
)
CODESTRAL = FimTemplate(
    "codestral", "[PREFIX]", "[SUFFIX]", None, suffix_first=True, stop=("[PREFIX]", "[SUFFIX]")
)
GRANITE = FimTemplate("granite", "<fim_prefix>", "<fim_suffix>", "<fim_middle>", stop=("<|endoftext|>",))

_FAMILIES: tuple[tuple[str, FimTemplate], ...] = (
    (r"codestral", CODESTRAL),
    (r"code-?gemma", CODEGEMMA),
    (r"code-?llama", CODELLAMA),
    (r"deepseek.*coder", DEEPSEEK),
    (r"qwen.*coder|codeqwen|qwen3-?(next|coder)", QWEN),
    (r"granite.*(code|3b|8b|20b|34b)", GRANITE),
    (r"star-?coder|santacoder|refact|smol.*coder", STARCODER),
)

SENTINEL = re.compile(
    r"<\|[\w.▁ -]{2,40}\|>|<｜[\w▁ -]{2,40}｜>|<(?:fim|file|repo)_\w+>"
    r"|<(?:PRE|SUF|MID|EOT)>|\[(?:PREFIX|SUFFIX|MIDDLE)\]|</?s>"
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
        return FimTemplate(
            base.name,
            prefix,
            suffix,
            None if order else middle,
            base.file_separator,
            base.suffix_first,
            base.stop,
        )
    return family


def plain(text: str) -> list[Part]:
    """`text` as parts in which nothing is read as a special token.

    Engines parse special tokens inside strings. Where the user's own source contains one it is cut in two,
    so that each half is tokenised as ordinary text.
    """
    parts: list[Part] = []
    start = 0
    for match in SENTINEL.finditer(text):
        middle = match.start() + (match.end() - match.start()) // 2
        parts.append(text[start:middle])
        start = middle
    parts.append(text[start:])
    return [part for part in parts if part != ""]
