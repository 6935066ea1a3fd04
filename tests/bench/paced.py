"""An engine that writes a token every few milliseconds and says when; as a plugin, it replaces the real one.

What the host adds to a token can be seen only where the tokens themselves do not vary by more than that.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from ide_agent.hooks import hookimpl

if TYPE_CHECKING:
    from ide_agent.host.services import Services

PAUSE_S = 0.005
COMMAND = [sys.executable, "-P", __file__]


@hookimpl
def register_host(services: Services) -> None:
    """Take it for every model."""
    from ide_agent.inference.backends import BACKENDS

    for backend in BACKENDS:
        backend.command = lambda: COMMAND  # type: ignore[method-assign]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "15")
        self.end_headers()
        self.wfile.write(b'{"status":"ok"}')

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(asked["max_tokens"]):
            time.sleep(PAUSE_S)
            choice = {"index": 0, "text": " token", "logprobs": None, "finish_reason": None}
            self._send({"id": "cmpl-1", "object": "text_completion", "model": "x", "choices": [choice]})
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, chunk: dict[str, object]) -> None:
        data = b"data: " + json.dumps({**chunk, "sent": time.monotonic_ns()}).encode() + b"\n\n"
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """As the host starts engines."""
    from ide_agent.inference.serve.guard import announce, take_spec

    take_spec()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    announce(port=server.server_address[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
