"""Features that concern few documents: a client that can be told which asks about these only."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from ide_agent.editor.server import EditorServer

log = logging.getLogger(__name__)


class Scoped:
    """The features that say which documents they are for.

    A client that takes registrations gets them after `initialized`; any other one learns of the feature in
    `initialize`, and asks about every document.
    """

    def __init__(self, server: EditorServer) -> None:
        self._server = server
        self._registrations: list[types.Registration] = []
        self._wanted: list[types.Registration] = []

    def add(self, registration: types.Registration) -> None:
        """Register the feature, which the server has a handler for, with a document selector."""
        self._registrations.append(registration)

    def later(self, declared: types.ClientCapabilities) -> set[str]:
        """The methods that are registered later, so that `initialize` does not speak of them."""
        self._wanted = [each for each in self._registrations if _dynamic(declared, each.method)]
        return {each.method for each in self._wanted}

    async def register(self) -> None:
        """Tell the client of them."""
        if not self._wanted:
            return
        try:
            await self._server.client_register_capability_async(types.RegistrationParams(self._wanted))
        except JsonRpcException as refused:
            log.warning("the client refused what it offered to register: %s", refused)


def _dynamic(declared: types.ClientCapabilities, method: str) -> bool:
    name = method.removeprefix("textDocument/")
    return get_capability(declared, f"text_document.{name}.dynamic_registration") is True
