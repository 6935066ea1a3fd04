"""From chat messages to a prompt, by the template in the GGUF file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ide_agent.inference.serve.http import BadRequest
from ide_agent.inference.serve.llama import Model


class ChatPrompt:
    """Renders the messages of ``/v1/chat/completions``. Templates come with the model: they run sandboxed."""

    def __init__(self, model: Model) -> None:
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        if not model.chat_template:
            raise BadRequest("this model has no chat template; use /v1/completions")
        self._model = model
        self._bos = model.text([model.bos]) if model.bos >= 0 else ""
        eos = model.text([model.eos]) if model.eos >= 0 else ""
        self._formatter: Any = Jinja2ChatFormatter(model.chat_template, eos_token=eos, bos_token=self._bos)

    def tokens(self, body: Mapping[str, Any]) -> list[int]:
        """The prompt of a request.

        Raises:
            BadRequest: the template cannot make sense of the messages.
        """
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise BadRequest("messages: a list of messages is needed")
        extras = body.get("chat_template_kwargs") or {}
        if not isinstance(extras, dict):
            raise BadRequest("chat_template_kwargs: an object is needed")
        try:
            rendered = self._formatter(
                **extras,
                messages=[_plain(message) for message in messages],
                tools=body.get("tools"),
                tool_choice=body.get("tool_choice"),
            )
        except BadRequest:
            raise
        except Exception as failure:  # templates raise whatever they like
            raise BadRequest(f"the model's chat template refused the messages: {failure}") from failure
        prompt = rendered.prompt
        starts = bool(self._bos) and prompt.startswith(self._bos)
        return self._model.tokenize(prompt, start=not starts, special=True)


def _plain(message: Any) -> dict[str, Any]:
    """The message with its content as one string."""
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        raise BadRequest("messages: each needs a role and content")
    content = message.get("content")
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, Mapping)]
        if not all(isinstance(text, str) for text in texts):
            raise BadRequest("messages: this engine reads text only")
        content = "".join(str(text) for text in texts)
    return {**message, "content": content or ""}
