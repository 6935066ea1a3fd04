"""The prompt of a completion for an engine that takes token ids: what `budget` chose, in its template."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .budget import Budget
from .healing import Healing
from .templates import FimTemplate, Part, Tokenize, sentinels
from .wire import CompletionRequest


@dataclass(frozen=True, slots=True)
class Plan:
    """A prompt ready for the engine."""

    parts: list[Part]
    """Strings and token ids, as llama-server's ``prompt`` takes them: one string, or at least one id among
    them. It would take several strings for several prompts. Empty for an empty document without a comment to
    name it in: there is nothing to ask."""
    tokens: int
    """Estimated length in tokens."""
    fim: bool
    healing: Healing
    """What the prompt leaves out at its end, to be generated again."""


class PromptPlanner:
    """Builds prompts for one model."""

    def __init__(self, template: FimTemplate | None, tokenize: Tokenize, special: Iterable[str] = ()) -> None:
        """`template` has token ids only (`templates.resolve`); `special` tokens stay text in the user's."""
        self._template = template
        self._tokenize = tokenize
        self._sentinels = sentinels(special)
        self._budget = Budget(tokenize)

    async def plan(self, request: CompletionRequest) -> Plan:
        """The prompt for `request`, at most ``request.prompt_tokens`` tokens long (estimated per line)."""
        fitted = await self._budget.fit(request, suffix=self._template is not None)
        before, prefix, suffix = fitted.before, fitted.prefix, fitted.suffix
        if self._template is None:
            prompt = before + prefix
            healing = Healing.of(prompt)
            parts = await self._plain(prompt.removesuffix(healing.text))
        else:
            healing = Healing()  # these models were trained on holes that begin anywhere
            parts = await self._fill_in(self._template, before, prefix, suffix)
        if parts and isinstance(parts[0], int):
            parts.insert(0, "")  # where the model wants a start token, engines put it before text only
        return Plan(parts, fitted.tokens, fim=self._template is not None, healing=healing)

    async def _fill_in(self, template: FimTemplate, before: str, prefix: str, suffix: str) -> list[Part]:
        head: list[Part] = []
        if template.file_separator != "" and before:
            head = [template.file_separator, *await self._plain(before)]
            before = ""
        hole = template.build(await self._plain(before + prefix), await self._plain(suffix))
        return [*head, *hole]

    async def _plain(self, text: str) -> list[Part]:
        """`text` as parts in which nothing is read as a special token.

        Engines read special tokens inside strings. A text that has one goes as token ids, made of it as a
        whole.
        """
        if self._sentinels.search(text):
            return list(await self._tokenize(text))
        return [text] if text else []
