import asyncio
from email.utils import formatdate
from typing import Any

import httpcore
import pytest

from ide_agent.config import RemoteEndpoint
from ide_agent.errors import RemoteError, RemoteOff, RemoteRefused, RemoteUnavailable
from ide_agent.inference.circuit import Circuit
from ide_agent.inference.remote.endpoint import Endpoint
from ide_agent.inference.remote.ledger import Sent
from ide_agent.safety.network import NetworkPolicy
from support.scripted_api import ScriptedApi, cut_after, refuses, says, silent

from .conftest import ELSEWHERE, Pauses

BODY = b'{"model": "m", "messages": []}'


def endpoint_of(url: str, policy: NetworkPolicy, pauses: Pauses, key: str = "", **more: Any) -> Endpoint:
    settings = RemoteEndpoint(url=url, **{"requests_per_second": 1000.0, **more})
    return Endpoint("out", settings, policy, key, pauses, pauses.clock)


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


async def test_who_types_waits_for_a_moment_and_no_longer(
    api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses
) -> None:
    endpoint = endpoint_of(api.url, policy, pauses, requests_per_second=1.0)
    await endpoint.wait_for_turn("m", hurried=True)
    await endpoint.wait_for_turn("m", hurried=True)
    assert sum(pauses.seconds) == pytest.approx(1.0)
    slower = endpoint_of(api.url, policy, pauses, requests_per_second=0.5)
    await slower.wait_for_turn("m", hurried=True)
    with pytest.raises(RemoteUnavailable, match="wait already"):
        await slower.wait_for_turn("m", hurried=True)
    assert sum(pauses.seconds) == pytest.approx(1.0), "it was told at once"


async def test_for_who_types_nothing_is_tried_again(
    api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses
) -> None:
    api.script += [refuses(503), says("Hello")]
    endpoint = endpoint_of(api.url, policy, pauses)
    with pytest.raises(RemoteUnavailable, match="HTTP 503"):
        async with endpoint.answer("POST", "/x", BODY, Sent("out", "h", "m", "/x"), "m", hurried=True):
            pass
    assert len(api.asked) == 1
    await endpoint.close()


@pytest.mark.parametrize("key", ["sk-very secret", "sk-şifre", "a\nb", "\x7f"])
async def test_a_key_that_cannot_be_sent_is_not_told(
    api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses, key: str
) -> None:
    endpoint = endpoint_of(api.url, policy, pauses, key)
    with pytest.raises(RemoteRefused, match="key set out") as refused:
        await ask(endpoint)
    assert key not in str(refused.value)
    assert api.asked == []
    await endpoint.close()


async def test_a_key_with_a_line_end_is_sent_without(
    api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses
) -> None:
    endpoint = endpoint_of(api.url, policy, pauses, "sk-good\n")
    await ask(endpoint)
    assert api.headers[0]["authorization"] == "Bearer sk-good"
    await endpoint.close()


def test_what_we_sent_wrongly_is_not_told(policy: NetworkPolicy, pauses: Pauses) -> None:
    endpoint = endpoint_of("https://models.example/v1", policy, pauses)
    failure = httpcore.LocalProtocolError("Illegal header value b'Bearer sk-secret'")
    assert "sk-secret" not in str(endpoint._failure(failure).error)


async def test_switching_off_ends_retries(api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses) -> None:
    api.script += [refuses(500)] * 4
    asked = 0

    def switched_off() -> None:
        nonlocal asked
        asked = len(api.asked)
        policy.remote = asked < 2

    policy.refresh = switched_off
    endpoint = endpoint_of(api.url, policy, pauses)
    with pytest.raises(RemoteOff):
        await ask(endpoint)
    assert len(api.asked) == 2
    await endpoint.close()


async def test_retries_take_turns(api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses) -> None:
    api.script += [refuses(500), refuses(500), says("ok")]
    endpoint = endpoint_of(api.url, policy, pauses, requests_per_second=0.01, timeout_seconds=3600)
    await endpoint.wait_for_turn("m")
    await ask(endpoint)
    assert sum(pauses.seconds) == pytest.approx(200, abs=2)
    await endpoint.close()


async def test_who_is_to_wait_holds_up_the_others(
    api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses
) -> None:
    api.script += [refuses(429, Retry_After="600")]
    endpoint = endpoint_of(api.url, policy, pauses)
    with pytest.raises(RemoteUnavailable):
        await ask(endpoint)
    with pytest.raises(RemoteUnavailable, match="wait already"):
        await endpoint.wait_for_turn("m")
    await endpoint.close()


async def test_after_a_pause_one_tries_alone(api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses) -> None:
    api.script += [refuses(500)] * 2
    endpoint = endpoint_of(api.url, policy, pauses)
    endpoint.circuit = Circuit(limit=1, open_seconds=0)
    endpoint.circuit.crashed("out of order")
    results = await asyncio.gather(*(ask(endpoint) for _ in range(5)), return_exceptions=True)
    keys = sorted(result.key_used for result in results if isinstance(result, RemoteUnavailable))
    assert keys == ["error.remote.circuit"] * 4 + ["error.remote.failed"]
    assert len(api.asked) == 1
    await endpoint.close()


async def test_what_may_have_been_worked_on_counts(
    api: ScriptedApi, policy: NetworkPolicy, pauses: Pauses
) -> None:
    api.script += [silent, refuses(400)]
    endpoint = endpoint_of(api.url, policy, pauses, timeout_seconds=1)
    counted = []
    for _ in range(2):
        sent = Sent("out", "host", "m", "/chat/completions", tokens_in=5)
        with pytest.raises(RemoteError):
            await ask(endpoint, sent)
        counted.append(sent.tokens_in)
    assert counted == [5, 0]
    await endpoint.close()
