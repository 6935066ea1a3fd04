from email.utils import formatdate
from typing import Any

import pytest

from ide_agent.config import RemoteEndpoint
from ide_agent.errors import RemoteError, RemoteRefused, RemoteUnavailable
from ide_agent.inference.remote.endpoint import Endpoint
from ide_agent.inference.remote.ledger import Sent
from ide_agent.safety.network import NetworkPolicy
from support.scripted_api import ScriptedApi, cut_after, refuses, says

from .conftest import ELSEWHERE, Pauses

BODY = b'{"model": "m", "messages": []}'


def endpoint_of(url: str, policy: NetworkPolicy, pauses: Pauses, key: str = "", **more: Any) -> Endpoint:
    return Endpoint("out", RemoteEndpoint(url=url, **more), policy, key, pauses)


async def ask(endpoint: Endpoint, sent: Sent | None = None) -> Any:
    sent = sent or Sent("out", "host", "m", "/chat/completions")
    async with endpoint.answer("POST", "/chat/completions", BODY, sent, "m") as response:
        return await endpoint.whole(response, sent)


async def test_who_says_when_is_asked_then(api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses) -> None:
    api.script += [refuses(429, Retry_After="3"), refuses(503, Retry_After="0"), says("ok")]
    endpoint = endpoint_of(api.url, policy, pauses)
    sent = Sent("out", "host", "m", "/chat/completions")
    answer = await ask(endpoint, sent)
    assert answer["choices"][0]["message"]["content"] == "ok"
    assert pauses.seconds == [3.0, 0.0]
    assert sent.bytes_out == 3 * len(BODY), "what was sent counts, answered or not"
    await endpoint.close()


async def test_pauses_grow_and_vary(api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses) -> None:
    api.script += [refuses(500), refuses(502), refuses(529), says("ok")]
    endpoint = endpoint_of(api.url, policy, pauses)
    await ask(endpoint)
    first, second, third = pauses.seconds
    assert 0.25 <= first <= 0.5 <= second <= 1.0 <= third <= 2.0
    assert endpoint.circuit.crashes == 0
    await endpoint.close()


async def test_who_wants_to_be_left_alone_for_long_is_not_waited_for(
    api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses
) -> None:
    api.script.append(refuses(429, "slow down", Retry_After=formatdate(4_000_000_000, usegmt=True)))
    endpoint = endpoint_of(api.url, policy, pauses)
    with pytest.raises(RemoteUnavailable, match="slow down") as refused:
        await ask(endpoint)
    assert refused.value.key_used == "error.remote.busy"
    assert refused.value.params["seconds"] > 1000
    assert (len(api.asked), pauses.seconds) == (1, [])
    assert endpoint.circuit.crashes == 0, "to be busy is no illness"
    await endpoint.close()


async def test_who_fails_again_and_again_is_left_alone(
    api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses
) -> None:
    api.script += [refuses(500, "out of order")] * 12 + [says("ok")]
    endpoint = endpoint_of(api.url, policy, pauses)
    for _ in range(3):
        endpoint.check()
        with pytest.raises(RemoteUnavailable, match="out of order"):
            await ask(endpoint)
    assert len(api.asked) == 12
    with pytest.raises(RemoteUnavailable, match="3 times in a row") as refused:
        endpoint.check()
    assert refused.value.key_used == "error.remote.circuit"
    await ask(endpoint)
    endpoint.check()
    await endpoint.close()


@pytest.mark.parametrize(
    ("status", "key", "code", "kind"),
    [
        (400, "", "error.remote.refused", RemoteRefused),
        (401, "k", "error.remote.key", RemoteRefused),
        (401, "", "error.remote.no_key", RemoteRefused),
        (402, "k", "error.remote.credit", RemoteRefused),
        (403, "k", "error.remote.refused", RemoteRefused),
        (404, "k", "error.remote.model", RemoteRefused),
        (501, "k", "error.remote.failed", RemoteUnavailable),
    ],
)
async def test_refusals_say_what_to_do(
    api: ScriptedApi,
    policy: NetworkPolicy,
    pauses: Pauses,
    status: int,
    key: str,
    code: str,
    kind: type[RemoteError],
) -> None:
    api.script.append(refuses(status, "the reason"))
    endpoint = endpoint_of(api.url, policy, pauses, key)
    with pytest.raises(kind) as refused:
        await ask(endpoint)
    assert refused.value.key_used == code
    assert "{" not in refused.value.message("tr")
    assert len(api.asked) == 1
    await endpoint.close()


async def test_redirects_are_not_followed(api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses) -> None:
    api.script.append(refuses(307, Location="http://127.0.0.3/v1"))
    endpoint = endpoint_of(api.url, policy, pauses)
    with pytest.raises(RemoteRefused, match="HTTP 307"):
        await ask(endpoint)
    await endpoint.close()


async def test_nobody_there(policy: NetworkPolicy, pauses: Pauses) -> None:
    with ScriptedApi(ELSEWHERE).running() as gone:
        url = gone.url
    endpoint = endpoint_of(url, policy, pauses)
    with pytest.raises(RemoteUnavailable, match="cannot be reached"):
        await ask(endpoint)
    assert len(pauses.seconds) == 3
    assert endpoint.circuit.crashes == 1
    await endpoint.close()


async def test_what_is_no_api(api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses) -> None:
    api.script.append(cut_after("x"))
    endpoint = endpoint_of(api.url, policy, pauses)
    with pytest.raises(RemoteUnavailable, match="OpenAI-compatible"):
        await ask(endpoint)
    await endpoint.close()


async def test_too_many_at_once_are_told_so(api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses) -> None:
    endpoint = endpoint_of(api.url, policy, pauses, requests_per_minute=1, timeout_seconds=2)
    await endpoint.wait_for_turn("m")
    await endpoint.wait_for_turn("another")
    with pytest.raises(RemoteUnavailable, match="wait already"):
        await endpoint.wait_for_turn("m")
