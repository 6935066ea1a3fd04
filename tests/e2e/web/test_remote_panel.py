"""The panel of remote models in a real browser: switch, key, test."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from support.host_process import clean_home
from support.panel_host import PanelHost
from support.scripted_api import ScriptedApi, says
from support.vscode import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with ScriptedApi().running() as running:
        yield running


@pytest.fixture
def remote(tmp_path: Path, api: ScriptedApi) -> Iterator[PanelHost]:
    """A host with an endpoint on this machine and one elsewhere, in no-cloud mode."""
    (tmp_path / "host").mkdir()
    host = PanelHost(tmp_path / "host")
    host.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    config = host.home / "config" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        "[remote]\nenabled = false  # mine\n"
        f'[remote.endpoints.near]\nurl = "{api.url}"\n'
        '[remote.endpoints.far]\nurl = "https://192.0.2.1/v1"\nmodels = ["m"]\n'
    )
    with clean_home(host.home):
        host.start()
        yield host
        host.process.terminate()
        host.process.wait()


@pytest.fixture
def page(browser: Browser, remote: PanelHost) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    opened = context.new_page()
    opened.goto(remote.link("remote"))
    opened.locator(".blocks[data-revision]").wait_for()
    yield opened
    context.close()


def said(page: Page, text: str) -> None:
    expect(page.locator(".notice.answer [role=status]")).to_contain_text(text)


def test_switch_key_and_test(page: Page, remote: PanelHost, api: ScriptedApi) -> None:
    config = remote.home / "config" / "config.toml"
    endpoints = page.get_by_role("table", name="Endpoints")
    far = endpoints.get_by_role("row", name="far")
    near = endpoints.get_by_role("row", name="near")
    expect(page.get_by_text("Remote models are off.")).to_be_visible()
    expect(far).to_contain_text("switched off")
    expect(near).to_contain_text("on this machine")

    page.get_by_role("button", name="Switch on").click()
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text("leaves this machine")
    question.get_by_role("button", name="Switch on").click()
    said(page, "Remote models are on")
    expect(page.get_by_text("Remote models are on.", exact=True)).to_be_visible()
    expect(far).not_to_contain_text("switched off")
    assert tomllib.loads(config.read_text())["remote"]["enabled"] is True
    assert "# mine" in config.read_text()

    page.locator("input[type=password]").fill("very-secret-key")
    page.get_by_role("button", name="Store").click()
    said(page, "unencrypted")
    expect(near).to_contain_text("key in a file")
    near.get_by_role("button", name="Test").click()
    said(page, "lists 2 models")
    assert api.headers[-1]["authorization"] == "Bearer very-secret-key"
    assert "very-secret-key" not in json.dumps(remote.state("remote"))

    page.get_by_role("button", name="Switch off").click()
    said(page, "Remote models are off")
    assert tomllib.loads(config.read_text())["remote"]["enabled"] is False


def test_a_model_on_this_machine_answers_in_no_cloud_mode(
    page: Page, remote: PanelHost, api: ScriptedApi
) -> None:
    api.script.append(says("Hello"))
    answer = remote.call(
        "POST",
        "/v1/chat/completions",
        {"model": "near/small", "messages": [{"role": "user", "content": "hi"}]},
    )
    assert answer["choices"][0]["message"]["content"] == "Hello"
    expect(page.get_by_text("Nothing has left this machine.")).to_be_visible()
