"""An engine process without a model: speaks the protocol of the pipe and a little of the dialect.

It misbehaves on demand. As a backend: `FakeBackend`; as a process: ``--starts FILE --flaw FLAW``.

Flaws: ``refuses-model``, ``lacks-memory``, ``killed-early``, ``dies-early``, ``never-answers``, ``dawdles``,
``babbles``, ``dies-on-request``.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ide_agent.inference.backends.base import Backend, EngineSpec


class FakeBackend(Backend):
    """Starts this file. Every start is counted by a line in `starts`; one that dawdles waits for `gate`."""

    name = "fake"
    progress = False

    def __init__(self, starts: Path, flaw: Callable[[int], str] = lambda count: "") -> None:
        self.starts = starts
        self.gate = _gate(starts)
        self.flaw = flaw

    @property
    def count(self) -> int:
        return len(self.starts.read_text().splitlines()) if self.starts.exists() else 0

    def available(self) -> bool:
        return True

    def command(self) -> list[str]:
        flaw = self.flaw(self.count + 1)
        return [sys.executable, __file__, "--starts", str(self.starts), "--flaw", flaw]


def _gate(starts: Path) -> Path:
    return starts.with_name(f"{starts.name} gate")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    key = ""

    def do_GET(self) -> None:
        self._json({"status": "ok"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != f"Bearer {self.key}":
            self._json({"error": {"message": "Invalid API Key"}}, 401)
        elif self.path == "/refuse":
            self._json({"error": {"message": "request (9 tokens) exceeds the context"}}, 400)
        elif self.path == "/die":
            os.kill(os.getpid(), body["signal"])
        elif body.get("stream"):
            self._stream(body)
        else:
            self._json({"echo": body})

    def _stream(self, body: dict[str, object]) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(int(str(body["n"]))):
            if number == body.get("die_at"):
                os.kill(os.getpid(), signal.SIGKILL)
            if number == body.get("hang_at"):
                threading.Event().wait()
            if number == body.get("fail_at"):
                self._chunk(b'data: {"error": {"message": "out of luck"}}\n\n')
                break
            self._chunk(b"data: " + json.dumps({"content": str(number)}).encode() + b"\n\n")
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _json(self, body: object, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        return


def main() -> None:
    from ide_agent.inference.serve.guard import announce, take_spec

    starts, flaw = sys.argv[2], sys.argv[4]
    with Path(starts).open("a") as log:
        log.write(f"{os.getpid()}\n")
    spec: EngineSpec = take_spec()
    if flaw == "dies-early":
        print("something broke: error 42", file=sys.stderr)
        sys.exit(9)
    if flaw == "refuses-model":
        print("llama_model_load: error loading model: tensor 'x' not found", file=sys.stderr, flush=True)
        announce(error="no", model=True)
        sys.exit(1)
    if flaw == "lacks-memory":
        print("load: error loading model: unable to allocate CPU buffer", file=sys.stderr, flush=True)
        announce(error="no", model=True)
        sys.exit(1)
    if flaw == "killed-early":
        os.kill(os.getpid(), signal.SIGKILL)
    if flaw == "never-answers":
        threading.Event().wait()
    while flaw == "dawdles" and not _gate(Path(starts)).exists():
        time.sleep(0.005)
    if flaw == "babbles":
        print("native code prints to stdout " * 9000, flush=True)
        print("and to stderr " * 9000, file=sys.stderr, flush=True)
    _Handler.key = spec.api_key
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    announce(port=server.server_address[1])
    if flaw == "dies-on-request":
        server.handle_request()
        os.kill(os.getpid(), signal.SIGSEGV)
    server.serve_forever()


if __name__ == "__main__":
    main()
