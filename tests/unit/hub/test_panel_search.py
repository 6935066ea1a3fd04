"""Finding models in their panel: the catalogue, a hub and its token, an address."""

from __future__ import annotations

from pathlib import Path

import pytest
from keyring.backends import null

from ide_agent.errors import (
    DownloadError,
    IdeAgentError,
    ModelError,
    PanelError,
)
from ide_agent.features.hub import fetch, fit
from ide_agent.features.hub import panel as panel_module
from ide_agent.features.hub.formats import INDEX
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import token
from ide_agent.panels import Caution, Panel, PanelEvent
from ide_agent.panels.blocks import FormBlock
from support import gguf_file, http_server
from support.fake_hub import TOKEN, FakeHub
from support.http_server import FileServer
from support.hub_panel import block, press, rows, until
from support.ring import use


async def add(panel: Panel, address: str, **values: str) -> None:
    """Look for an address or a path, and send the form that comes of it."""
    await panel.act(PanelEvent(action="search", block="search", values={"words": address}))
    form = block(panel, "add")
    assert isinstance(form, FormBlock)
    await panel.act(PanelEvent(action="add", block="add", args=form.submit.args, values=dict(values)))
    assert block(panel, "add") is None


async def test_a_model_by_address_or_path(panel: Panel, tmp_path: Path) -> None:
    content = gguf_file.file(gguf_file.llama())
    with FileServer(content, "/m.gguf").running() as web:
        web.script += [http_server.status(404)] * 2  # for how large it is, and for the model
        await add(panel, f" {web.url} ", name="by-address")
        await until(lambda: block(panel, "failed.by-address"))
        await press(panel, "again", "by-address")
        await until(lambda: rows(panel, "models") == ["by-address"])
    file = tmp_path / "local.gguf"
    file.write_bytes(content)
    await add(panel, str(file))
    await until(lambda: sorted(rows(panel, "models")) == ["by-address", "local"])
    with pytest.raises(ModelError):
        await add(panel, str(file), name="by-address")
    assert block(panel, "add") is not None  # to be corrected
    with pytest.raises(ModelError):
        await panel.act(PanelEvent(action="add"))
    await panel.act(PanelEvent(action="search", values={"words": "tiny", "source": "catalogue"}))
    assert block(panel, "add") is None


async def test_what_does_not_fit_asks_before_it_comes(
    server: FileServer, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = [row for row in block(panel, "catalogue").rows if row.id == "tiny"]
    assert (row.cells["memory"], row.actions[0].confirm) == ("fits", "")
    monkeypatch.setattr(fit, "spare_memory", lambda: 1)
    monkeypatch.setattr(fit, "total_memory", lambda: 2)

    def asks() -> bool:
        [row] = [row for row in block(panel, "catalogue").rows if row.id == "tiny"]
        return row.cells["memory"] == "too big" and "tiny needs about" in row.actions[0].confirm

    await until(asks)
    with FileServer(gguf_file.file(gguf_file.llama()), "/m.gguf").running() as web:
        await panel.act(PanelEvent(action="search", block="search", values={"words": web.url}))
        address = block(panel, "add").submit.args
        await panel.act(PanelEvent(action="add", block="add", args=address, values={"name": "mine"}))
        assert "mine needs about" in block(panel, "unfit").markdown
        assert "failed.mine" not in {block.id for block in panel.state.blocks}
        [anyway, _] = block(panel, "unfit.actions").actions
        await panel.act(PanelEvent(action="add", args=anyway.args))
        assert block(panel, "unfit") is None
        await until(lambda: rows(panel, "models") == ["mine"])


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "https://example.org/m.bin",
        "file:///none.gguf",
        "{here}/none.gguf",
        "{here}/m.txt",
    ],
)
async def test_a_hopeless_address_is_refused_before_anything_is_asked(
    panel: Panel, tmp_path: Path, address: str
) -> None:
    (tmp_path / "m.txt").write_text("x")
    with pytest.raises(IdeAgentError):
        await panel.act(PanelEvent(action="search", values={"words": address.format(here=tmp_path)}))
    assert block(panel, "add") is None
    in_clear = "http://example.org/m.gguf"  # which a hash makes good
    await panel.act(PanelEvent(action="search", values={"words": in_clear}))
    assert isinstance(block(panel, "add"), FormBlock)


@pytest.mark.parametrize("words", ["<b>hi</b>", "../../etc", "a b/c d"])
async def test_what_is_no_repository_is_searched_for(panel: Panel, words: str) -> None:
    await panel.act(PanelEvent(action="search", values={"words": words, "source": "catalogue"}))
    assert rows(panel, "found") == []


async def test_what_was_found_knows_what_has_come(server: FileServer, panel: Panel) -> None:
    await panel.act(PanelEvent(action="search", values={"words": "tiny", "source": "catalogue"}))
    [row] = block(panel, "found").rows
    assert [(action.name, action.enabled) for action in row.actions] == [("get", True), ("about", True)]
    await panel.act(PanelEvent(action="get", args={"name": "tiny"}))
    await until(lambda: not block(panel, "found").rows[0].actions[0].enabled)
    await until(lambda: rows(panel, "models") == ["tiny"])
    assert not block(panel, "found").rows[0].actions[0].enabled
    await press(panel, "remove")
    await until(lambda: block(panel, "found").rows[0].actions[0].enabled)


async def test_for_nothing_no_hub_is_asked(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeHub({}).running() as web:
        monkeypatch.setenv("HF_ENDPOINT", web.url)
        for values, there in (
            ({"words": "  "}, ["tiny"]),
            ({"type": "text"}, ["tiny"]),
            ({"type": "audio"}, []),
        ):
            await panel.act(PanelEvent(action="search", values=dict(values)))
            assert rows(panel, "found") == there
            assert "“" not in block(panel, "found").title + block(panel, "found").empty
        assert web.requests == []


async def test_what_was_found_is_cleared(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    async def search(words: str) -> None:
        await panel.act(PanelEvent(action="search", values={"words": words, "source": "catalogue"}))

    def left() -> list[str]:
        return [each.id for each in panel.state.blocks if each.id in ("found", "clear", "files", "add")]

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    await search("tiny")
    assert left() == ["found", "clear"]
    await panel.act(PanelEvent(action="clear"))
    await press(panel, "discard", "gone")  # draws anew
    assert left() == []
    await search("tiny")
    with pytest.raises(IdeAgentError):
        await search("no/such")
    assert left() == []  # it is not what these words find
    await search("https://example.org/m.gguf")
    assert left() == ["add", "clear"]


async def test_what_nothing_here_runs_says_so_before_it_is_downloaded(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def offered(table: str) -> tuple[bool, bool]:
        """Whether it says so, and asks."""
        await panel.act(PanelEvent(action="search", values={"words": "tiny", "source": "catalogue"}))
        await press(panel, "filter")  # draws anew
        [row] = block(panel, table).rows
        return "Nothing here runs it yet." in row.cells["about"], "tiny" in row.actions[0].confirm

    for table in ("catalogue", "found"):
        assert await offered(table) == (False, False)
    monkeypatch.setattr(panel_module, "runnable", lambda settings: frozenset())
    for table in ("catalogue", "found"):
        assert await offered(table) == (True, True)


async def test_searching_a_hub(panel: Panel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    content = gguf_file.file(gguf_file.llama())
    with FakeHub({"me/coder": {"coder-Q8_0.gguf": content}}).running() as web:
        monkeypatch.setenv("HF_ENDPOINT", web.url)
        await panel.act(PanelEvent(action="search", values={"words": " cod ", "source": "hub"}))
        assert rows(panel, "found") == ["me/coder"]
        web.status = 500
        assert not await panel.act(PanelEvent(action="search", values={"words": "tiny"}))
        assert rows(panel, "found") == ["tiny"]
        assert "Only the catalogue was searched" in block(panel, "unasked").markdown
        web.status = 0
        await press(panel, "files", "me/coder")
        await panel.act(PanelEvent(action="search", values={"words": "none of that"}))
        assert (rows(panel, "found"), block(panel, "files")) == ([], None)
        assert block(panel, "unasked") is None
        page = f"{web.url}/me/coder/blob/main/coder-Q8_0.gguf"
        await panel.act(PanelEvent(action="search", values={"words": page}))
        assert rows(panel, "files") == ["hf:me/coder/coder-Q8_0.gguf"]
        await panel.act(PanelEvent(action="search", values={"words": "me/coder"}))
        [file] = rows(panel, "files")
        told = await panel.act(PanelEvent(action="get", args={"name": file}))
        assert told.startswith("coder-q8_0 is on its way")
        await until(lambda: rows(panel, "models") == ["coder-q8_0"])


async def test_where_a_hub_wants_a_token_it_is_asked_for(
    panel: Panel, hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, null.Keyring())  # type: ignore[no-untyped-call]
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    index = b'{"weight_map": {"a": "m.safetensors"}}'
    parts = {"config.json": b"{}", "tokenizer.json": b"{}", INDEX: index, "m.safetensors": b"x"}
    files = {"me/one": {"one.gguf": gguf_file.file(gguf_file.llama())}, "me/parts": parts}
    with FakeHub(files).running() as running:
        running.gated |= {"me/one", "me/parts"}
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        with pytest.raises(IdeAgentError, match="licence"):
            await press(panel, "files", "me/parts")
        await until(lambda: block(panel, "login") is not None)
        await press(panel, "clear")
        await until(lambda: block(panel, "login") is None)
        await press(panel, "get", "hf:me/one")
        await until(lambda: block(panel, "failed.one") is not None)
        form = block(panel, "login")
        assert isinstance(form, FormBlock)
        assert (form.fields[0].kind, form.fields[0].value) == ("secret", "")
        assert [each.id for each in panel.state.blocks].index("failed.one") < [
            each.id for each in panel.state.blocks
        ].index("login")
        with pytest.raises(PanelError):
            await panel.act(PanelEvent(action="login", values={"token": " "}))
        said = await panel.act(PanelEvent(action="login", values={"token": f" {TOKEN} "}))
        assert "unencrypted in" in said
        await until(lambda: "one" in rows(panel, "models"))  # it goes on by itself
        await until(lambda: block(panel, "login") is None)
        assert [each.name for each in block(panel, "tidy").actions] == ["gc", "logout"]
        assert TOKEN not in panel.state.model_dump_json()
        assert "was removed" in await panel.act(PanelEvent(action="logout"))
        await until(lambda: [each.name for each in block(panel, "tidy").actions] == ["gc"])
        assert "no token" in await panel.act(PanelEvent(action="logout"))


async def test_where_another_token_goes_before_it_that_is_said(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, null.Keyring())  # type: ignore[no-untyped-call]
    with FakeHub({}).running() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        for given, kind in (("", str), ("of-the-environment", Caution)):
            monkeypatch.setenv("HF_TOKEN", given)
            for action, told in (("login", "unencrypted in"), ("logout", "was removed")):
                said = await panel.act(PanelEvent(action=action, values={"token": TOKEN}))
                assert told in said
                assert type(said) is kind
                assert ("HF_TOKEN is set" in said) == bool(given)


async def test_a_token_that_is_refused_is_not_kept_and_one_that_nobody_checks_is(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, null.Keyring())  # type: ignore[no-untyped-call]
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with FakeHub({}).running() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        running.ended.add("old")
        with pytest.raises(DownloadError, match="does not accept this token"):
            await panel.act(PanelEvent(action="login", values={"token": "old"}))
        assert not token.is_kept()
        running.status = 503
        said = await panel.act(PanelEvent(action="login", values={"token": "new"}))
        assert "could not be checked" in said and type(said) is Caution
        assert token.is_kept()


async def test_what_needs_no_hub_is_marked(panel: Panel) -> None:
    [row] = block(panel, "catalogue").rows
    assert row.cells["name"].endswith("(without Hugging Face)")
    await panel.act(PanelEvent(action="search", values={"words": "tiny", "source": "catalogue"}))
    [row] = block(panel, "found").rows
    assert row.cells["name"].endswith("(without Hugging Face)")
