import pytest

from ide_agent.config import RemoteEndpoint, RemoteSettings
from ide_agent.errors import ModelNotFound, RemoteOff, RemoteRefused
from ide_agent.inference.remote.ledger import Allowance
from ide_agent.inference.remote.service import Remotes, key_name, origin
from ide_agent.safety.network import NetworkPolicy
from ide_agent.storage.secrets import Secrets
from support.scripted_api import ScriptedApi

from .conftest import Books, Make


async def test_names(remotes_of: Make, api: ScriptedApi) -> None:
    remotes = remotes_of(out=api.url)
    model = await remotes.find("out/deep/seek")
    assert model is not None
    assert (model.id, model.name, model.backend) == ("deep/seek", "out/deep/seek", "out")
    for name in ("", "out", "out/", "other/x", "starter", "/x"):
        assert await remotes.find(name) is None
        assert remotes.owner(name) == ""
    with pytest.raises(RemoteRefused, match="There are: out"):
        await remotes.endpoint("other")
    await remotes.close()


async def test_what_can_be_asked_is_listed(
    remotes_of: Make, api: ScriptedApi, here: ScriptedApi, policy: NetworkPolicy, books: Books
) -> None:
    api.models, here.models = ["a/b"], ["c"]
    remotes = remotes_of(
        out=api.url,
        near=here.url,
        named=RemoteEndpoint(url=api.url, models=("x",)),
        gone="http://127.0.0.1:1/v1",
    )
    expected = [("out/a/b", "out"), ("near/c", "near"), ("named/x", "named")]
    assert await remotes.listed() == expected
    assert await remotes.listed() == expected
    assert [len(api.asked), len(here.asked)] == [1, 1], "not asked again so soon"
    assert [(sent.path, sent.model) for sent in books.begun] == [("/models", "")], "a question leaves, too"
    policy.remote = False
    assert await remotes.listed() == [("near/c", "near")]
    await remotes.close()


async def test_a_new_key_is_used_at_once(remotes_of: Make, here: ScriptedApi, secrets: Secrets) -> None:
    remotes = remotes_of(near=here.url)
    await remotes.ask_models("near")
    secrets.set(key_name("near"), "fresh")
    remotes.forget()
    await remotes.ask_models("near")
    assert [headers.get("authorization") for headers in here.headers] == [None, "Bearer fresh"]
    await remotes.close()


async def test_a_change_of_one_endpoint_leaves_the_others_alone(
    here: ScriptedApi, policy: NetworkPolicy, secrets: Secrets
) -> None:
    section = RemoteEndpoint(url=here.url)
    now = RemoteSettings(enabled=True, endpoints={"a": section, "b": section, "c": section})
    remotes = Remotes(lambda: now, policy, secrets)
    a, b, c = [await remotes.endpoint(name) for name in "abc"]
    slower = section.model_copy(update={"requests_per_minute": 1})
    now = now.model_copy(update={"tokens_per_day": 5, "endpoints": {"a": section, "b": slower}})
    assert await remotes.endpoint("a") is a
    fresh = await remotes.endpoint("b")
    assert fresh is not b
    with pytest.raises(RemoteRefused):
        await remotes.endpoint("c")
    now = now.model_copy(update={"redact_patterns": ("pin",)})
    assert await remotes.endpoint("a") is not a
    a = await remotes.endpoint("a")
    now = now.model_copy(update={"enabled": False})
    assert await remotes.endpoint("a") is not a
    await remotes.close()
    assert all(each._closed for each in (a, b, c, fresh))


async def test_what_is_private_never_finds_a_model_elsewhere(
    remotes_of: Make, api: ScriptedApi, here: ScriptedApi, policy: NetworkPolicy
) -> None:
    remotes = remotes_of(out=api.url, near=here.url)
    assert await remotes.find("near/m", private=True) is not None
    assert await remotes.find("no-endpoint", private=True) is None
    for on in (True, False):
        policy.remote = on
        with pytest.raises(ModelNotFound) as caught:
            await remotes.find("out/m", private=True)
        assert caught.value.key_used == "error.routes.private"
    await remotes.close()


async def test_what_forwards_is_another_machine_throughout(
    remotes_of: Make, here: ScriptedApi, policy: NetworkPolicy, books: Books
) -> None:
    remotes = remotes_of(tunnel=RemoteEndpoint(url=here.url, forwards=True, models=("m",)))
    with pytest.raises(ModelNotFound):
        await remotes.find("tunnel/m", private=True)
    model = await remotes.find("tunnel/m")
    assert model is not None
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    await model.request("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": secret}]})
    assert secret not in str(here.asked)
    await remotes.allow("tunnel/m", Allowance("rule", tokens=1))
    assert books.asked == [("tunnel", "m", "rule")]
    assert [sent.endpoint for sent in books.begun] == ["tunnel"]
    policy.remote = False
    with pytest.raises(RemoteOff):
        await remotes.find("tunnel/m")
    assert await remotes.listed() == []
    await remotes.close()


async def test_what_a_rule_allows_is_asked_of_other_machines_only(
    remotes_of: Make, api: ScriptedApi, here: ScriptedApi, books: Books
) -> None:
    remotes = remotes_of(out=api.url, near=here.url)
    for name in ("out/a/b", "near/m", "starter", ""):
        await remotes.allow(name, Allowance("rule", tokens=1))
    assert books.asked == [("out", "a/b", "rule")]


async def test_one_that_is_broken_does_not_hide_the_others(
    remotes_of: Make, here: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.models = ["c"]
    remotes = remotes_of(bad=here.url, near=here.url)
    ask_models = remotes.ask_models

    async def asked(name: str) -> list[str]:
        if name == "bad":
            raise TypeError("of all things")
        return await ask_models(name)

    (await remotes.endpoint("bad"))._models = (float("-inf"), ["former"])
    monkeypatch.setattr(remotes, "ask_models", asked)
    assert await remotes.listed() == [("bad/former", "bad"), ("near/c", "near")]
    await remotes.close()


async def test_a_key_goes_to_no_other_host(remotes_of: Make, api: ScriptedApi, secrets: Secrets) -> None:
    secrets.set(key_name("out"), "secret-key", "https://models.example")
    remotes = remotes_of(out=api.url)
    with pytest.raises(RemoteRefused, match=r"stored for https://models\.example") as refused:
        await remotes.find("out/m")
    assert "secret-key" not in str(refused.value)
    assert api.asked == []
    secrets.set(key_name("out"), "secret-key", origin(api.url))
    assert await remotes.find("out/m") is not None
    await remotes.close()
