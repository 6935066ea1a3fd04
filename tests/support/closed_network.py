"""A session of a real host where there is no network but loopback, and what the kernel counted meanwhile.

Run as a program it enters its session and prints what came of it as JSON; `run` starts that in namespaces of
its own. The kernel counts for all processes in there, whatever language they are written in: each packet and
each connection for which there is no way, and so each question to a name server.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

from support import onnx_file

NOWHERE = "192.0.2.1"
_FLAGS, _UP = 0x8914, 0x41  # SIOCSIFFLAGS; IFF_UP, IFF_RUNNING
_COMMAND = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--propagation", "private"]
CONFIG = """
[inference]
engine = "{engine}"
threads = 1
[remote.endpoints.far]
url = "https://models.example/v1"
models = ["m"]
"""


def refused() -> str:
    """Why there can be no such namespaces here; empty where there can."""
    if sys.platform != "linux":
        return "namespaces are Linux's"
    try:
        done = subprocess.run([*_COMMAND, "true"], capture_output=True, text=True, timeout=60)
    except OSError as failure:
        return str(failure)
    return done.stderr.strip() if done.returncode else ""


def run(what: str, folder: Path, **environment: str) -> dict[str, Any]:
    """What came of `what`, ``session`` or ``attempts``, in namespaces of its own; it writes into `folder`."""
    command = [*_COMMAND, sys.executable, "-m", "support.closed_network", what, str(folder)]
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": tests, **environment},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _enter(folder: Path) -> None:
    """Loopback up, and a name server that could only be reached by another way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _FLAGS, struct.pack("16sh14x", b"lo", _UP))
    resolver = folder / "resolv.conf"
    resolver.write_text(f"nameserver {NOWHERE}\n")
    subprocess.run(["mount", "--bind", str(resolver), "/etc/resolv.conf"], check=True)


def left() -> int:
    """How often anything in here tried to reach another machine."""
    names, values = (
        line.split()[1:] for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:")
    )
    found = int(dict(zip(names, values, strict=True))["OutNoRoutes"])
    six = Path("/proc/net/snmp6")
    lines = six.read_text().splitlines() if six.exists() else []
    return found + sum(int(line.split()[1]) for line in lines if line.startswith("Ip6OutNoRoutes"))


def attempts() -> dict[str, int]:
    """What the counter makes of each kind of attempt; of a process of its own, as engines are."""
    counted: dict[str, int] = {}
    for kind, attempt in {
        "nothing": "pass",
        "loopback": "import socket as s; s.socket(type=s.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))",
        "connection": f"import socket; socket.create_connection(('{NOWHERE}', 80))",
        "packet": f"import socket as s; s.socket(type=s.SOCK_DGRAM).sendto(b'', ('{NOWHERE}', 53))",
        "name": "import socket; socket.getaddrinfo('models.example', 443)",
        "six": "import socket as s; s.socket(s.AF_INET6).connect(('2001:db8::1', 80))",
    }.items():
        before = left()
        subprocess.run([sys.executable, "-c", attempt], capture_output=True)
        counted[kind] = left() - before
    return counted


def session(folder: Path) -> dict[str, Any]:
    """What the routes of a host answered, and how often anything tried to leave meanwhile."""
    from support.host_process import clean_home
    from support.panel_host import PanelHost

    models = folder / "host" / "models"
    models.mkdir(parents=True)
    (models / "starter").symlink_to(os.environ["STARTER"])
    onnx_file.embedder(
        models / "words", onnx_file.graph([[1, 0], [0, 1]]), ["a", "b"], pooling_mode_mean_tokens=True
    )
    host = PanelHost(folder / "host")
    (host.home / "config").mkdir(parents=True)
    (host.home / "config" / "config.toml").write_text(CONFIG.format(engine=os.environ["ENGINE"]))
    host.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    said = [{"role": "user", "content": "hi"}]
    found: dict[str, Any] = {}
    with clean_home(host.home):
        host.start()
        try:
            text = host.call(
                "POST", "/v1/completions", {"model": "starter", "prompt": "def f(", "max_tokens": 4}
            )
            found["completion"] = text["choices"][0]["text"]
            chat = host.call(
                "POST", "/v1/chat/completions", {"model": "starter", "messages": said, "max_tokens": 4}
            )
            found["chat"] = chat["choices"][0]["message"]["content"]
            for model in ("starter", "words"):
                answer = host.call("POST", "/v1/embeddings", {"model": model, "input": "a b"})
                found[f"embedding {model}"] = answer["data"][0]["embedding"]
            found["panels"] = [len(host.state(panel)["blocks"]) for panel in ("hub", "routes", "remote")]
            found["running"] = [each["engine"] for each in host.call("GET", "/models/running")["models"]]
        finally:
            host.process.terminate()
            host.process.wait()
    return found


if __name__ == "__main__":
    _enter(Path(sys.argv[2]))
    told: dict[str, Any] = attempts() if sys.argv[1] == "attempts" else session(Path(sys.argv[2]))
    print(json.dumps(told if sys.argv[1] == "attempts" else {**told, "left": left()}))
