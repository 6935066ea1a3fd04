import asyncio
import json
import socket
from contextlib import aclosing
from typing import Any

import pytest

from ide_agent.config import RemoteEndpoint
from ide_agent.errors import BudgetSpent, PictureError, RemoteOff, RemoteRefused, RemoteUnavailable
from ide_agent.inference.remote import service
from ide_agent.inference.remote.ledger import Sent
from ide_agent.inference.remote.service import Remotes, key_name
from ide_agent.safety.network import NetworkPolicy
from ide_agent.storage.secrets import Secrets
from support.projector_file import COLOURS, picture
from support.scripted_api import (
    Exchange,
    ScriptedApi,
    cut_after,
    echoes,
    endless,
    ranks,
    refuses,
    says,
    silent,
)
from support.waiting import until

from .conftest import ELSEWHERE, Books, Make, Pauses

CHAT = "/v1/chat/completions"
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3


def asks(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "whatever", "messages": [{"role": "user", "content": text}], **more}


async def streamed(remotes: Remotes, name: str, payload: dict[str, Any]) -> list[dict[str, Any]]:
    model = await remotes.find(name)
    assert model is not None
    async with aclosing(model.stream(CHAT, payload)) as events:
        return [event async for event in events]


async def whole(remotes: Remotes, name: str, payload: dict[str, Any]) -> Any:
    model = await remotes.find(name)
    assert model is not None
    return await model.request("POST", CHAT, payload)


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(
        choice["delta"].get("content") or "" for event in events for choice in event.get("choices", [])
    )


async def test_a_stream_comes_through(remotes_of: Make, api: ScriptedApi, books: Books) -> None:
    api.script.append(says("Mer", "haba"))
    remotes = remotes_of(out=api.url)
    events = await streamed(remotes, "out/large", asks("hi", temperature=0.5))
    assert text_of(events) == "Merhaba"
    assert all(event["choices"] for event in events), "usage that nobody asked for"
    path, payload = api.asked[0]
    assert path == CHAT
    assert payload["model"] == "large"
    assert payload["temperature"] == 0.5
    assert "authorization" not in api.headers[0]
    await remotes.close()
    (sent,) = books.ended
    assert (sent.endpoint, sent.model, sent.path, sent.outcome) == ("out", "large", "/chat/completions", "ok")
    assert (sent.tokens_in, sent.tokens_out, sent.estimated, sent.cost) == (7, 2, False, None)
    assert sent.bytes_out == len(json.dumps(payload, separators=(",", ":")))
    assert sent.bytes_in > 0


async def test_usage_is_passed_on_to_who_wants_it(remotes_of: Make, api: ScriptedApi) -> None:
    remotes = remotes_of(out=api.url)
    events = await streamed(remotes, "out/m", asks("hi", stream_options={"include_usage": True}))
    assert events[-1]["usage"]["prompt_tokens"] == 7
    await remotes.close()


async def test_an_answer_in_one_piece(remotes_of: Make, api: ScriptedApi, books: Books) -> None:
    api.script.append(says("Hello", usage={"prompt_tokens": 3, "completion_tokens": 4, "cost": 0.25}))
    remotes = remotes_of(out=api.url)
    answer = await whole(remotes, "out/m", asks("hi"))
    assert answer["choices"][0]["message"]["content"] == "Hello"
    await remotes.close()
    assert (books.ended[0].tokens_in, books.ended[0].tokens_out, books.ended[0].cost) == (3, 4, 0.25)


async def test_the_key_goes_along_and_nowhere_else(
    remotes_of: Make, api: ScriptedApi, secrets: Secrets, books: Books
) -> None:
    secrets.set(key_name("out"), "very-secret-key")
    remotes = remotes_of(out=api.url)
    await whole(remotes, "out/m", asks("hi"))
    assert api.headers[0]["authorization"] == "Bearer very-secret-key"
    api.script.append(refuses(400, "the key very-secret-key is odd"))
    with pytest.raises(RemoteRefused) as refused:
        await whole(remotes, "out/m", asks("hi"))
    assert "very-secret-key" not in json.dumps(refused.value.as_wire())
    await remotes.close()
    assert "very-secret-key" not in repr(books.ended)


async def test_secrets_in_what_is_ranked_stay_here(
    remotes_of: Make, api: ScriptedApi, books: Books, policy: NetworkPolicy
) -> None:
    api.script.append(ranks)
    remotes = remotes_of(out=api.url)
    model = await remotes.find("out/m")
    assert model is not None
    asked = {"model": "whatever", "query": f"who uses {TOKEN}", "documents": ["none", f"it is {TOKEN}"]}
    answer = await model.request("POST", "/v1/rerank", asked)
    assert [(found["index"], found["document"]) for found in answer["results"]] == [
        (1, f"it is {TOKEN}"),
        (0, "none"),
    ]
    ((path, payload),) = api.asked
    assert (path, payload["model"]) == ("/v1/rerank", "m")
    assert TOKEN not in json.dumps(payload)
    policy.remote = False
    with pytest.raises(RemoteOff):
        await model.request("POST", "/v1/rerank", asked)
    assert len(api.asked) == 1
    await remotes.close()
    assert [(sent.path, sent.secrets) for sent in books.ended] == [("/rerank", 1)]


async def test_pictures_go_as_they_are_and_the_text_beside_them_does_not(
    remotes_of: Make, api: ScriptedApi, here: ScriptedApi
) -> None:
    remotes = remotes_of(out=api.url, near=here.url)
    image = {"type": "image_url", "image_url": {"url": picture(COLOURS["red"], side=64)}}
    elsewhere = {"type": "image_url", "image_url": {"url": "https://example.invalid/a.png"}}
    asked = {"messages": [{"role": "user", "content": [{"type": "text", "text": TOKEN}, image, elsewhere]}]}
    await whole(remotes, "out/m", asked)
    await streamed(remotes, "out/m", asked)
    for _, payload in api.asked:
        text, *pictures = payload["messages"][0]["content"]
        assert pictures == [image, elsewhere]
        assert TOKEN not in text["text"]
    for ask in (whole, streamed):
        with pytest.raises(PictureError, match="is not fetched"):
            await ask(remotes, "near/m", asked)
        with pytest.raises(PictureError, match="is not given"):
            await ask(remotes, "near/m", {"messages": [{"content": [{**image, "type": "video_url"}]}]})
    assert here.asked == []
    await whole(remotes, "near/m", {"messages": [{"content": [{**image, "video_url": "http://x.invalid"}]}]})
    assert here.asked[0][1]["messages"] == [{"content": [image]}]
    image["image_url"]["url"] = "data:image/png;base64," + "A" * 11_000_000
    with pytest.raises(PictureError, match="too big"):
        await whole(remotes, "out/m", asked)
    assert len(api.asked) == 2
    await remotes.close()


async def test_a_picture_is_not_counted_as_text(remotes_of: Make, api: ScriptedApi, books: Books) -> None:
    api.script.append(endless)
    remotes = remotes_of(out=api.url)
    png = f"data:image/png;base64,{'A' * 400_000}"
    parts = [
        {"type": "image_url", "image_url": {"url": url}} for url in (png, "https://example.invalid/a.png")
    ]
    model = await remotes.find("out/m")
    assert model is not None
    async with aclosing(model.stream(CHAT, {"messages": [{"role": "user", "content": parts}]})) as events:
        await anext(events)
    assert 2000 < books.begun[0].tokens_in < 2100
    await remotes.close()


@pytest.mark.parametrize("size", [1, 2, 7, 20, 21, 22, 500])
async def test_secrets_stay_here_and_are_put_back(remotes_of: Make, api: ScriptedApi, size: int) -> None:
    api.script += [echoes(size), echoes(size)]
    remotes = remotes_of(out=api.url, redact_patterns=(r"ACME-\d+",))
    said = f"the token {TOKEN}, the number ACME-4711, and again {TOKEN}!"
    assert text_of(await streamed(remotes, "out/m", asks(said))) == said
    answer = await whole(remotes, "out/m", asks(said))
    assert answer["choices"][0]["message"]["content"] == said
    left = json.dumps(api.asked)
    assert TOKEN not in left
    assert "4711" not in left
    await remotes.close()


async def test_how_many_secrets_were_replaced_is_noted(
    remotes_of: Make, api: ScriptedApi, books: Books
) -> None:
    remotes = remotes_of(out=api.url)
    await whole(remotes, "out/m", asks(f"{TOKEN} {TOKEN}"))
    await remotes.close()
    assert books.ended[0].secrets == 1


async def test_a_bad_expression_stops_everything(remotes_of: Make, api: ScriptedApi) -> None:
    remotes = remotes_of(out=api.url, redact_patterns=("ok", "("))
    with pytest.raises(Exception, match=r"“\(” is not valid"):
        await whole(remotes, "out/m", asks("hi"))
    assert not api.asked
    assert remotes.problem is not None
    await remotes.close()


async def test_on_this_machine_nothing_is_hidden_noted_or_slowed_down(
    remotes_of: Make, here: ScriptedApi, books: Books, pauses: Pauses, policy: NetworkPolicy
) -> None:
    policy.remote = False
    remotes = remotes_of(near=RemoteEndpoint(url=here.url, requests_per_minute=1))
    for _ in range(3):
        await whole(remotes, "near/m", asks(TOKEN))
    assert here.asked[0][1]["messages"][0]["content"] == TOKEN
    assert (books.begun, pauses.seconds) == ([], [])
    await remotes.close()


async def test_off_is_off(remotes_of: Make, api: ScriptedApi, policy: NetworkPolicy, books: Books) -> None:
    policy.remote = False
    remotes = remotes_of(out=api.url, named="http://models.example/v1")
    for name in ("out/m", "named/m"):
        with pytest.raises(RemoteOff):
            await remotes.find(name)
    assert await remotes.listed() == []
    assert (api.asked, books.begun) == ([], [])
    await remotes.close()
    assert [(each.host, each.outcome, each.left) for each in books.held] == [
        ("127.0.0.2", "RemoteOff off", False),
        ("models.example", "RemoteOff off", False),
    ]


async def test_switching_off_breaks_off_what_is_under_way(
    remotes_of: Make, api: ScriptedApi, policy: NetworkPolicy, books: Books
) -> None:
    api.script.append(endless)
    remotes = remotes_of(out=api.url)
    model = await remotes.find("out/m")
    assert model is not None
    async with aclosing(model.stream(CHAT, asks("hi"))) as events:
        await anext(events)
        remotes._current = lambda: remotes_of(out=api.url).settings.model_copy(update={"enabled": False})
        assert not remotes.settings.enabled
        with pytest.raises(RemoteUnavailable):
            async for _ in events:
                pass
    assert await asyncio.to_thread(api.left.wait, 60)
    with pytest.raises(RemoteOff):
        await model.request("POST", CHAT, asks("hi"))
    await remotes.close()


async def test_who_leaves_stops_the_api(remotes_of: Make, api: ScriptedApi, books: Books) -> None:
    api.script.append(endless)
    remotes = remotes_of(out=api.url)
    model = await remotes.find("out/m")
    assert model is not None
    async with aclosing(model.stream(CHAT, asks("hi"))) as events:
        for _ in range(5):
            await anext(events)
    assert await asyncio.to_thread(api.left.wait, 60)
    await remotes.close()
    assert books.ended[0].outcome == "cancelled"
    assert books.ended[0].left
    assert books.ended[0].estimated
    assert books.ended[0].tokens_out == 5
    assert books.ended[0].tokens_in > 0


async def test_a_request_in_one_piece_is_cancelled(remotes_of: Make, api: ScriptedApi, books: Books) -> None:
    api.script.append(silent)
    remotes = remotes_of(out=api.url)
    asking = asyncio.create_task(whole(remotes, "out/m", asks("hi")))
    await until(lambda: bool(api.asked))
    asking.cancel()
    await asyncio.wait([asking])
    await remotes.close()
    assert asking.cancelled()
    assert books.ended[0].outcome == "cancelled"


async def test_what_never_left_is_noted_as_such(remotes_of: Make, books: Books) -> None:
    with socket.socket() as listener:
        listener.bind((ELSEWHERE, 0))
        port = listener.getsockname()[1]
    remotes = remotes_of(out=f"http://{ELSEWHERE}:{port}/v1")
    with pytest.raises(RemoteUnavailable, match="Connection refused"):
        await whole(remotes, "out/m", asks("hi"))
    await remotes.close()
    (sent,) = books.ended
    assert (sent.left, sent.bytes_out, sent.tokens_in) == (False, 0, 0)


async def test_who_gives_up_while_connecting_has_sent_nothing(
    remotes_of: Make, api: ScriptedApi, books: Books, policy: NetworkPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting = asyncio.Event()

    async def resolve(*asked: Any) -> list[str]:
        connecting.set()
        return await asyncio.Future()

    monkeypatch.setattr(NetworkPolicy, "resolve", resolve)
    remotes = remotes_of(out=api.url)
    asking = asyncio.create_task(whole(remotes, "out/m", asks("hi")))
    await connecting.wait()
    asking.cancel()
    await asyncio.wait([asking])
    await remotes.close()
    (sent,) = books.ended
    assert (sent.outcome, sent.left, sent.bytes_out, sent.tokens_in) == ("cancelled", False, 0, 0)


async def test_a_cut_stream_is_an_error(remotes_of: Make, api: ScriptedApi, books: Books) -> None:
    api.script.append(cut_after("Hel", "lo"))
    remotes = remotes_of(out=api.url)
    with pytest.raises(RemoteUnavailable, match="broke off"):
        await streamed(remotes, "out/m", asks("hi"))
    await remotes.close()
    assert books.ended[0].outcome == "RemoteUnavailable broken"
    assert books.ended[0].tokens_out == 2


async def test_what_an_api_answered_is_noted(remotes_of: Make, api: ScriptedApi, books: Books) -> None:
    busy = refuses(429, Retry_After="0")
    api.script += [busy, busy, refuses(503, Retry_After="0"), busy]  # all attempts
    api.script += [refuses(401)]
    api.script += [busy, cut_after("Hel")]  # what came of it in the end counts
    remotes = remotes_of(out=api.url)
    for refused in (RemoteUnavailable, RemoteRefused, RemoteUnavailable):
        with pytest.raises(refused):
            await streamed(remotes, "out/m", asks("hi"))
    await remotes.close()
    assert [sent.outcome for sent in books.ended] == [
        "RemoteUnavailable 429 4",
        "RemoteRefused 401 1",
        "RemoteUnavailable broken",
    ]


async def test_silence_ends(remotes_of: Make, api: ScriptedApi, pauses: Pauses) -> None:
    api.script.append(silent)
    remotes = remotes_of(out=RemoteEndpoint(url=api.url, timeout_seconds=1))
    with pytest.raises(RemoteUnavailable, match="was silent for 1 s"):
        await whole(remotes, "out/m", asks("hi"))
    assert len(api.asked) == 1, "it would be paid twice"
    await remotes.close()


async def test_a_spent_budget_sends_nothing(remotes_of: Make, api: ScriptedApi, books: Books) -> None:
    remotes = remotes_of(out=api.url)
    model = await remotes.find("out/m")
    assert model is not None
    books.spent = BudgetSpent(used="9", limit="8", scope="remote", setting="remote.tokens_per_day")
    with pytest.raises(BudgetSpent):
        await remotes.find("out/m")
    with pytest.raises(BudgetSpent):
        await model.request("POST", CHAT, asks("hi"))
    assert api.asked == []
    await remotes.close()


async def test_without_an_audit_log_nothing_leaves(remotes_of: Make, api: ScriptedApi) -> None:
    remotes = remotes_of(out=api.url)
    remotes.ledger = None
    with pytest.raises(RemoteRefused, match="must be noted first"):
        await remotes.find("out/m")
    await remotes.close()


@pytest.mark.parametrize(
    "event",
    [
        {"choices": 3},
        {"choices": [{"index": [], "delta": {"content": "x"}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": 3}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": {}, "function": {"arguments": "x"}}]}}]},
        [],
        "x",
    ],
)
async def test_events_of_another_form(remotes_of: Make, api: ScriptedApi, event: Any) -> None:
    def nonsense(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Type": "text/event-stream"})
        exchange.event(event)

    api.script.append(nonsense)
    remotes = remotes_of(out=api.url)
    with pytest.raises(RemoteUnavailable) as refused:
        await streamed(remotes, "out/m", asks(TOKEN))
    assert refused.value.key_used == "error.remote.nonsense"
    await remotes.close()


async def test_an_error_in_the_middle_of_a_stream(remotes_of: Make, api: ScriptedApi) -> None:
    def fails(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Type": "text/event-stream"})
        exchange.event({"choices": [{"index": 0, "delta": {"content": "x"}}]})
        exchange.event({"error": {"message": "out of memory"}, "choices": []})

    api.script.append(fails)
    remotes = remotes_of(out=api.url)
    with pytest.raises(RemoteUnavailable, match="out of memory"):
        await streamed(remotes, "out/m", asks("hi"))
    await remotes.close()


async def test_many_at_once_share_the_connections(remotes_of: Make, here: ScriptedApi) -> None:
    remotes = remotes_of(near=here.url)
    answers = await asyncio.gather(*(whole(remotes, "near/m", asks("hi")) for _ in range(8)))
    assert len(answers) == 8
    assert len(remotes._endpoints) == 1
    await remotes.close()


async def test_switching_off_is_seen_while_a_stream_is_under_way(
    remotes_of: Make, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_LOOK_SECONDS", 0.01)
    api.script.append(endless)
    remotes = remotes_of(out=api.url)
    model = await remotes.find("out/m")
    assert model is not None
    off = remotes.settings.model_copy(update={"enabled": False})
    with pytest.raises(RemoteUnavailable):
        async with aclosing(model.stream(CHAT, asks("hi"))) as events:
            await anext(events)
            remotes._current = lambda: off
            async for _ in events:
                pass
    assert remotes._watching is not None
    await asyncio.wait([remotes._watching], timeout=60)
    assert remotes._watching.done(), "nobody looks when nothing is under way"
    await remotes.close()


async def test_who_leaves_before_it_is_sent_is_not_counted(
    remotes_of: Make, api: ScriptedApi, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, gone = asyncio.Event(), asyncio.Event()
    begin = books.begin

    async def slowly(sent: Sent) -> int:
        going.set()
        await gone.wait()
        return await begin(sent)

    monkeypatch.setattr(books, "begin", slowly)
    remotes = remotes_of(out=api.url)
    asking = asyncio.create_task(whole(remotes, "out/m", asks("hi")))
    await going.wait()
    asking.cancel()
    await asyncio.wait([asking])
    gone.set()
    await remotes.close()
    assert [(sent.number, sent.tokens_in, sent.outcome) for sent in books.ended] == [(1, 0, "cancelled")]
    assert api.asked == []


async def test_an_error_in_an_answer_does_not_tell_the_key(
    remotes_of: Make, api: ScriptedApi, secrets: Secrets
) -> None:
    def fails(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Type": "application/json"})
        exchange.wfile.write(json.dumps({"error": {"message": "bad key plain-key-1"}}).encode())

    api.script.append(fails)
    secrets.set("remote.out", "plain-key-1")
    remotes = remotes_of(out=api.url)
    with pytest.raises(RemoteUnavailable, match="bad key …"):
        await whole(remotes, "out/m", asks("hi"))
    await remotes.close()


@pytest.mark.parametrize("name", ["input", "prompt"])
@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2]], ["x", 3]])
async def test_token_ids_are_not_sent(
    remotes_of: Make, api: ScriptedApi, here: ScriptedApi, name: str, tokens: Any
) -> None:
    remotes = remotes_of(out=api.url, near=here.url)
    with pytest.raises(RemoteRefused, match="Send text"):
        await whole(remotes, "out/m", {name: tokens})
    assert api.asked == []
    await whole(remotes, "near/m", {name: tokens})
    await remotes.close()


async def test_hostile_usage_is_noted_all_the_same(remotes_of: Make, api: ScriptedApi, books: Books) -> None:
    usages = [{"prompt_tokens": bad, "completion_tokens": bad, "cost": bad} for bad in ({}, None, -1, 10**30)]

    def counts(usage: Any) -> Any:
        def answer(exchange: Exchange) -> None:
            exchange.head(200, {"Content-Type": "application/json"})
            exchange.wfile.write(json.dumps({"choices": [{}], "usage": usage}).encode())

        return answer

    api.script += map(counts, usages)
    remotes = remotes_of(out=RemoteEndpoint(url=api.url, requests_per_second=1000))
    for _ in usages:
        await whole(remotes, "out/m", asks("hi"))
    await remotes.close()
    assert len(books.ended) == len(usages)
    assert all(0 < sent.tokens_in <= 10**9 for sent in books.ended)
