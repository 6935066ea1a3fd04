"""Which token comes next."""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ide_agent.inference.serve.llama import Context, Model


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; llama-server's names and defaults."""

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int = -1
    grammar: str = ""
    ignore_eos: bool = False

    @property
    def penalised(self) -> bool:
        """Whether what was chosen makes it less likely to be chosen again."""
        return self.repeat_penalty != 1.0 or bool(self.presence_penalty or self.frequency_penalty)


class Sampler:
    """Chooses tokens for one request.

    A grammar is asked about the token that would come without it. Only where it refuses that one it must look
    through the whole vocabulary, which may take longer than computing a token. So does llama-server.
    """

    def __init__(self, model: Model, wish: Sampling) -> None:
        """Raises ValueError: the grammar cannot be read."""
        self._native = model.native
        self._bound = self._chain(model, wish, wish.grammar) if wish.grammar else None
        # penalties count what was chosen: what the grammar refused must not count
        free = self._bound is None or not wish.penalised
        self._free = self._chain(model, wish) if free else None

    def choose(self, context: Context, row: int) -> int:
        """The next token after batch row `row`."""
        native = self._native
        if self._free is not None:
            token = int(native.llama_sampler_sample(self._free, context.handle, row))
            if self._bound is None:
                return token
            grammar = native.llama_sampler_chain_get(self._bound, 0)
            if self._allows(grammar, token):
                native.llama_sampler_accept(grammar, token)
                return token
        return int(native.llama_sampler_sample(self._bound, context.handle, row))

    def close(self) -> None:
        """Free it."""
        for chain in (self._free, self._bound):
            if chain is not None:
                self._native.llama_sampler_free(chain)

    def _allows(self, grammar: Any, token: int) -> bool:
        candidate = self._native.llama_token_data(token, 1.0, 0.0)
        candidates = self._native.llama_token_data_array(ctypes.pointer(candidate), 1, -1, False)
        self._native.llama_sampler_apply(grammar, ctypes.byref(candidates))
        return bool(candidate.logit != -math.inf)

    def _chain(self, model: Model, wish: Sampling, grammar: str = "") -> Any:
        native = model.native
        links = []
        if grammar:
            link = native.llama_sampler_init_grammar(model.vocab, grammar.encode(), b"root")
            if not link:
                raise ValueError("the grammar cannot be read")
            links.append(link)
        if wish.ignore_eos and model.eos >= 0:
            bias = (native.llama_logit_bias * 1)(native.llama_logit_bias(model.eos, -math.inf))
            size = native.llama_n_vocab(model.vocab)
            links.append(native.llama_sampler_init_logit_bias(size, 1, bias))
        if wish.penalised:
            links.append(
                native.llama_sampler_init_penalties(
                    native.llama_n_vocab(model.vocab),
                    wish.repeat_last_n,
                    wish.repeat_penalty,
                    wish.frequency_penalty,
                    wish.presence_penalty,
                )
            )
        if wish.temperature <= 0:
            links.append(native.llama_sampler_init_greedy())
        else:
            seed = wish.seed if wish.seed >= 0 else native.LLAMA_DEFAULT_SEED
            links += [
                native.llama_sampler_init_top_k(wish.top_k),
                native.llama_sampler_init_top_p(wish.top_p, 1),
                native.llama_sampler_init_min_p(wish.min_p, 1),
                native.llama_sampler_init_temp(wish.temperature),
                native.llama_sampler_init_dist(seed & 0xFFFFFFFF),
            ]
        chain = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
        for link in links:
            native.llama_sampler_chain_add(chain, link)
        return chain
