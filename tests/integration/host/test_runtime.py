"""The host as a process: started once, found, healed, gone. Real processes throughout."""

import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ide_agent import __version__, runtime
from ide_agent.errors import HostStartError, HostUnavailable
from ide_agent.runtime import RuntimeInfo, call, ensure_host, find_host, stop_host
from ide_agent.versions import PROTOCOL
from support.host_process import processes_of, wait_for

OTHER_HOST = """
import http.server, json, os, sys
from ide_agent import runtime
from ide_agent.runtime import RuntimeInfo

program = json.loads(sys.argv[1])

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())
    def do_GET(self):
        self.answer({"status": "ok", **program})
    def do_POST(self):
        if self.path == "/shutdown" and self.headers["Authorization"] == "Bearer other":
            self.answer({})
            os._exit(0)

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
lock = runtime.run_lock()
lock.acquire()
runtime.write(RuntimeInfo(server.server_port, "other", program["version"], os.getpid(), 0.0))
print("ready", flush=True)
server.serve_forever()
"""
STARTER = "from ide_agent.runtime import ensure_host; print(ensure_host(60).pid)"


def hosts(home: Path) -> list[psutil.Process]:
    return [p for p in processes_of(home) if arguments_of(p)[-2:] == ["host", "run"]]


def arguments_of(process: psutil.Process) -> list[str]:
    """Its argv; nothing when it has just ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def settings(home: Path, text: str) -> None:
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text(text)


def log(home: Path) -> str:
    return (home / "state" / "host.log").read_text()


def in_hosts(home: Path, patch: pytest.MonkeyPatch, *lines: str) -> None:
    """Hosts that are started from now on run `lines` first: how long they wait is nothing to sit through."""
    folder = home / "first"
    folder.mkdir()
    imports = ("from ide_agent import runtime", "from ide_agent.host import lifecycle")
    (folder / "sitecustomize.py").write_text("\n".join((*imports, *lines)))
    patch.setenv("PYTHONPATH", str(folder))


def test_first_caller_starts_it_and_the_next_finds_it(home: Path) -> None:
    first = ensure_host(60)
    assert ensure_host(60) == first
    assert find_host() == first
    assert first.version == __version__
    assert [p.pid for p in hosts(home)] == [first.pid]
    assert psutil.Process(first.pid).cwd() == str(home / "state")
    assert os.getsid(first.pid) != os.getsid(0)
    for name in ("host.json", "host.log"):
        assert stat.S_IMODE((home / "state" / name).stat().st_mode) == 0o600
    assert repr(first).count(first.token) == 0


def test_many_starters_at_once_get_one_host(home: Path) -> None:
    starters = [
        subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    pids = {int(starter.communicate(timeout=120)[0]) for starter in starters}
    assert len(pids) == 1
    assert {p.pid for p in hosts(home)} == pids


def test_killed_host_is_replaced(home: Path) -> None:
    first = ensure_host(60)
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: not hosts(home), "the end of the host")
    assert find_host() is None
    second = ensure_host(60)
    assert second.pid != first.pid
    assert second.token != first.token
    assert call(second, "GET", "/status")["pid"] == second.pid


@pytest.mark.parametrize("content", ["", "{", "[]", '{"port": 1}', '{"port": "x", "token": 1}', "\x00\xff"])
def test_file_that_makes_no_sense_is_ignored(home: Path, content: str) -> None:
    runtime.runtime_file().write_text(content)
    assert runtime.read() is None
    assert find_host() is None


def test_file_of_a_dead_host_is_replaced(home: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    runtime.write(RuntimeInfo(9, "stale", __version__, dead.pid, time.time()))
    assert ensure_host(60).token != "stale"


def test_process_and_port_that_now_belong_to_others_are_left_alone(home: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=home,
    )
    assert other.stdout is not None
    port = int(other.stdout.readline().split("port ")[1].split()[0])
    runtime.write(RuntimeInfo(port, "stale", __version__, other.pid, time.time() - 1000))
    assert ensure_host(60).pid != other.pid
    assert other.poll() is None
    other.kill()
    other.communicate()


@contextmanager
def other_host(**program: object) -> Iterator[subprocess.Popen[str]]:
    """A host of another installation, which says that of itself; it leaves when it is asked to."""
    arguments = [sys.executable, "-c", OTHER_HOST, json.dumps(program)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        try:
            yield other
        finally:
            other.kill()


@pytest.mark.parametrize(
    "program", [{"version": "0.0.1"}, {"version": "0.0.1", "protocol": PROTOCOL}], ids=["silent", "same"]
)
def test_older_host_makes_room(home: Path, program: dict[str, object]) -> None:
    with other_host(**program) as old:
        info = ensure_host(60)
        assert info.version == __version__
        assert old.wait(60) == 0
    assert [p.pid for p in hosts(home)] == [info.pid]


def test_newer_host_serves_us_as_long_as_it_speaks_the_same(home: Path) -> None:
    with other_host(version="99.0", protocol=PROTOCOL) as newer:
        info = ensure_host(60)
        assert (info.pid, info.version) == (newer.pid, "99.0")
        assert find_host() == info
        by_hand = subprocess.run([sys.executable, "-m", "ide_agent", "host", "run"], timeout=60, check=False)
        assert by_hand.returncode == 0
        assert newer.poll() is None
    assert not hosts(home)


def test_newer_host_that_speaks_otherwise_is_left_alone(home: Path) -> None:
    with other_host(version="99.0", protocol=PROTOCOL + 1) as newer:
        for ask in (ensure_host, find_host):
            with pytest.raises(HostStartError) as caught:
                ask()
            assert caught.value.key_used == "error.host.newer"
            for language in ("en", "tr"):
                assert {"99.0", __version__} <= set(re.findall(r"[\d.]*\d", caught.value.message(language)))
        by_hand = subprocess.run(
            [sys.executable, "-m", "ide_agent", "host", "run"],
            timeout=60,
            check=False,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert by_hand.returncode == 1
        assert "99.0" in by_hand.stderr
        assert newer.poll() is None
        assert stop_host(60) is True
        assert newer.wait(60) == 0


def test_host_that_hangs_is_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ensure_host(60)
    os.kill(first.pid, signal.SIGSTOP)
    in_hosts(home, monkeypatch, "runtime._ANSWER_SECONDS = lifecycle._PREDECESSOR_SECONDS = 0.5")
    monkeypatch.setattr(runtime, "_ANSWER_SECONDS", 0.5)
    second = ensure_host(90)
    assert second.pid != first.pid
    wait_for(lambda: [p.pid for p in hosts(home)] == [second.pid], "the end of the first host")
    assert runtime.read() == second


def test_lost_runtime_file_comes_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_hosts(home, monkeypatch, "lifecycle._GUARD_SECONDS = 0.2")
    first = ensure_host(60)
    runtime.runtime_file().unlink()
    assert ensure_host(60) == first
    wait_for(lambda: [p.pid for p in hosts(home)] == [first.pid], "the end of the one that was too many")


def test_host_without_a_home_leaves(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_hosts(home, monkeypatch, "lifecycle._GUARD_SECONDS = 0.2")
    ensure_host(60)
    shutil.rmtree((home / "state").rename(home / "gone"))  # at once, or the host may add to what is removed
    wait_for(lambda: not hosts(home), "the end of the host")


def test_stopping(home: Path) -> None:
    assert stop_host() is False
    info = ensure_host(60)
    assert stop_host(60) is True
    wait_for(lambda: not hosts(home), "the end of the host")
    assert not runtime.runtime_file().exists()
    with pytest.raises(HostUnavailable):
        call(info, "GET", "/status")


def test_stopping_a_host_that_hangs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = ensure_host(60)
    ask = runtime._exchange  # the time for its answer is cut short; that for its end, once killed, is not
    monkeypatch.setattr(runtime, "_exchange", lambda *call, **more: ask(*call[:3], timeout=1.0, **more))
    os.kill(info.pid, signal.SIGSTOP)
    assert stop_host(1) is True
    wait_for(lambda: not hosts(home), "the end of the host")


def test_stopping_a_host_that_does_not_listen_yet(home: Path) -> None:
    """It holds the run lock, which `ensure_host` of somebody else made it take, and has no runtime file."""
    starting = runtime.run_lock()
    starting.acquire()
    with pytest.raises(HostUnavailable) as caught:
        stop_host(0.1)
    assert caught.value.key_used == "error.host.stuck"
    starting.release()
    assert stop_host() is False


def test_no_host_is_spawned_when_the_time_is_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spawned: list[Path] = []
    monkeypatch.setattr(runtime, "spawn", spawned.append)
    with pytest.raises(HostStartError) as caught:
        ensure_host(0)
    assert caught.value.key_used == "error.host.timeout"
    assert spawned == []


def test_sigterm_is_a_clean_end_even_with_an_editor_attached(home: Path) -> None:
    info = ensure_host(60)
    editor = http.client.HTTPConnection("127.0.0.1", info.port)
    editor.request("GET", "/events", headers=info.headers)
    answer = editor.getresponse()
    os.kill(info.pid, signal.SIGTERM)
    assert answer.read() == b""  # a proper end of the stream, no reset
    editor.close()
    wait_for(lambda: not hosts(home), "the end of the host")
    assert not runtime.runtime_file().exists()
    assert log(home).rstrip().endswith("host left")
    assert "Traceback" not in log(home)
    assert "ERROR" not in log(home)


def test_idle_host_leaves_but_not_while_an_editor_is_attached(home: Path) -> None:
    settings(home, "[host]\nidle_exit_seconds = 4\n")  # also the time that this test has to attach
    info = ensure_host(60)
    editor = http.client.HTTPConnection("127.0.0.1", info.port)
    editor.request("GET", "/events", headers=info.headers)
    answer = editor.getresponse()
    longer = time.monotonic() + 5
    wait_for(lambda: time.monotonic() > longer, "more than the idle time")  # a question would keep it, too
    assert hosts(home)
    answer.close()
    editor.close()
    wait_for(lambda: not hosts(home), "the end of the host")
    assert not runtime.runtime_file().exists()
    assert "idle, leaving" in log(home)


def listener_of_its_own() -> socket.socket:
    """On a port that nobody is given who takes any: it is still free once this one is closed."""
    for port in random.sample(range(15_000, 30_000), 100):
        with contextlib.suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    raise AssertionError("no port is free")


def test_port_in_use_is_told(home: Path) -> None:
    with listener_of_its_own() as taken:
        port = taken.getsockname()[1]
        settings(home, f"[host]\nport = {port}\n")
        with pytest.raises(HostStartError) as caught:
            ensure_host(60)
    assert f"Port {port} is in use" in str(caught.value)
    assert ensure_host(60).port == port


def test_failing_start_shows_the_end_of_the_log(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = home / "broken"
    broken.mkdir()
    (broken / "uvicorn.py").write_text("raise SystemError('no uvicorn today')")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    with pytest.raises(HostStartError, match="no uvicorn today"):
        ensure_host(60)
    assert not hosts(home)


def test_second_run_by_hand_returns(home: Path) -> None:
    info = ensure_host(60)
    again = subprocess.run([sys.executable, "-m", "ide_agent", "host", "run"], timeout=60, check=False)
    assert again.returncode == 0
    assert find_host() == info


def test_foreign_requests_are_refused(home: Path) -> None:
    info = ensure_host(60)

    def status(**headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", info.port, timeout=30)
        connection.request("GET", "/status", headers={**info.headers, **headers})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    assert status() == 200
    assert status(Authorization="Bearer guess") == 401
    assert status(Origin="https://evil.example") == 403
    assert status(Host="evil.example") == 403


def test_log_holds_neither_token_nor_payload(home: Path) -> None:
    info = ensure_host(60)
    private = "def my_private_function"
    for path in ("/v1/completions", "/v1/embeddings", "/completion", "/nowhere"):
        with pytest.raises(Exception, match=r"."):
            call(info, "POST", path, {"prompt": private, "model": 3})
    stop_host(60)
    assert private not in log(home)
    assert info.token not in log(home)


def test_wrong_settings_are_told_and_stop_nothing(home: Path) -> None:
    settings(home, "[host]\nidle_exit_seconds = 'soon'\n")
    (problem,) = call(ensure_host(60), "GET", "/status")["problems"]
    assert problem["params"]["key"] == "host.idle_exit_seconds"
