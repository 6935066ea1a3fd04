"""The texts of the tokens in a GGUF file: only those that are asked for are read."""

from __future__ import annotations

from collections.abc import Iterable

from ide_agent.inference.gguf import GgufHeader
from ide_agent.inference.reader import reading

_MAX_NAME = 1 << 16
_SPECIAL_KINDS = (2, 3)  # unknown, control


def token_texts(header: GgufHeader, ids: Iterable[int]) -> dict[int, str]:
    """The texts of a few tokens, as the vocabulary spells them; ids out of range are left out.

    Raises:
        ModelFileInvalid: the file changed since `header` was read.
    """
    wanted = sorted({i for i in ids if 0 <= i < header.vocabulary})
    if not wanted or not header.tokens_at:
        return {}
    texts: dict[int, str] = {}
    with reading(header.file) as reader:
        reader.seek(header.tokens_at)
        at = 0
        for wanted_id in wanted:
            reader.skip_strings(wanted_id - at)
            texts[wanted_id] = reader.text(_MAX_NAME)
            at = wanted_id + 1
    return texts


def special_texts(header: GgufHeader) -> list[str]:
    """The spellings of all tokens that are more than text: an engine reads them inside strings.

    Raises:
        ModelFileInvalid: the file changed since `header` was read.
    """
    if not header.types_at:
        return []
    with reading(header.file) as reader:
        reader.seek(header.types_at)
        kinds = reader.numbers(header.vocabulary)
    texts = token_texts(header, (i for i, kind in enumerate(kinds) if kind in _SPECIAL_KINDS))
    return [text for text in texts.values() if text]
