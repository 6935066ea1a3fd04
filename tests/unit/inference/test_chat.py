"""Chat messages as a prompt."""

from types import SimpleNamespace
from typing import Any

import pytest

from ide_agent.inference.serve.http import BadRequest

pytest.importorskip("llama_cpp")
from ide_agent.inference.serve.chat import ChatPrompt

TEMPLATE = (
    "{% if enable_thinking is defined and not enable_thinking %}quick: {% endif %}{{ messages[0].content }}"
)


def prompt(**more: Any) -> str:
    model: Any = SimpleNamespace(
        bos=-1, eos=-1, chat_template=TEMPLATE, tokenize=lambda text, start, special: text
    )
    found: Any = ChatPrompt(model).tokens({"messages": [{"role": "user", "content": "Hi"}], **more})
    return str(found)


def test_words_for_the_template_reach_it() -> None:
    assert prompt() == "Hi"
    assert prompt(chat_template_kwargs={"enable_thinking": True}) == "Hi"
    assert prompt(chat_template_kwargs={"enable_thinking": False}) == "quick: Hi"


@pytest.mark.parametrize("given", [3, ["x"], {"messages": []}])
def test_what_cannot_be_given_to_it_is_refused(given: Any) -> None:
    with pytest.raises(BadRequest):
        prompt(chat_template_kwargs=given)
