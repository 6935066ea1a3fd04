"""A document in which nothing stands yet, on the real model."""

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient

from support.ghost import GhostClient

pytestmark = [pytest.mark.e2e, pytest.mark.engine]


@pytest.mark.parametrize("invoked", [False, True])
@pytest.mark.parametrize(("name", "language"), [("new.md", "markdown"), ("new.txt", "plaintext")])
async def test_it_is_passed_over_and_the_next_keystroke_is_answered(
    ghost: GhostClient, client: LanguageClient, name: str, language: str, invoked: bool
) -> None:
    uri = ghost.open("", name, language)
    assert await ghost.ask(uri, 0, 0, invoked=invoked) is None
    text = "The quick brown fox jumps over the"
    ghost.type(uri, 0, 0, text)
    item = await ghost.ask(uri, 0, len(text), invoked=False)
    assert item is not None
    assert " " in await ghost.whole(item)
    assert not [told for told in client.messages if told.type == types.MessageType.Error]
