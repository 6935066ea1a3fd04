"""Stands in for vLLM where its modules are looked for: a real web server of uvicorn, without a model.

``VLLM_TEST_FLAW=dies``: it ends at its start. ``{"ail": true}`` in a request: it is not well from then on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import uvicorn

HEALTH = 200


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (event := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{event['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    global HEALTH
    raw = b""
    while (event := await receive()) and event["type"] == "http.request":
        raw += event.get("body", b"")
        if not event.get("more_body"):
            break
    if scope["path"] == "/health":  # no body, as vLLM does it
        await send({"type": "http.response.start", "status": HEALTH, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
        return
    body = json.loads(raw or b"{}")
    if body.get("ail"):
        HEALTH = 503
    asked = {"path": scope["path"], "body": body, "argv": sys.argv, "pid": os.getpid(), "child": CHILD.pid}
    asked["environment"] = {
        k: v for k, v in os.environ.items() if k.startswith(("VLLM_", "HF_", "OMP_", "DO_", "GLOO_"))
    }
    kind = b"text/event-stream" if body.get("stream") else b"application/json"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    if not body.get("stream"):
        await send({"type": "http.response.body", "body": json.dumps(asked).encode()})
        return
    for number in range(body["max_tokens"]):
        choice = {"index": 0, "text": str(number), "finish_reason": None}
        data = json.dumps({"object": "text_completion", "model": body["model"], "choices": [choice]})
        await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


def main() -> None:
    global CHILD
    parser = argparse.ArgumentParser()
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    options, _ = parser.parse_known_args()
    print("the server prints what it likes", flush=True)
    if os.environ.get("VLLM_TEST_FLAW") == "dies":
        sys.exit("ERROR: there is no such layer")
    CHILD = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    uvicorn.Server(uvicorn.Config(app, host=options.host, port=options.port, log_level="warning")).run()


if __name__ == "__main__":
    main()
