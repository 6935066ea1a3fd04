"""The engine process of servers that live in an environment of their own: starts one there, stays beside it.

argv: the kind of server and the path of its Python. The server is a child in a process group of its own. The
group ends when this process does, however it ends; this process ends when the server does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ide_agent.inference.backends.base import EngineSpec
from ide_agent.inference.gpus import gpus
from ide_agent.inference.serve.guard import announce, take_spec

_GIB = 1 << 30
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # that vLLM knows
_HERE = "127.0.0.1"
_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "ORT_DISABLE_TELEMETRY": "1",
}
"""Nothing is fetched, nothing is told."""


def main() -> None:
    """Start the server, tell where it listens, stay until it or the host leaves."""
    running: list[subprocess.Popen[bytes]] = []

    def leave() -> None:
        for each in running:
            end(each)

    spec = take_spec(leave)
    kind, python = sys.argv[1:]
    module, argv, environment = SERVERS[kind](spec)
    try:
        server = start(python, module, argv, environment, spec.api_key)
    except OSError as failure:
        announce(error=f"{python}: {failure.strerror}", model=False)
        sys.exit(1)
    running.append(server)
    assert server.stdout is not None
    line = server.stdout.readline()
    if not line:
        end(server)
        announce(error="the server ended before it served", model=False)
        sys.exit(_code(server))
    announce(**json.loads(line))
    server.wait()
    end(server)  # what it leaves behind
    sys.exit(_code(server))


def start(
    python: str, module: str, argv: list[str], environment: dict[str, str], key: str
) -> subprocess.Popen[bytes]:
    """Run `module` by `python` behind `key`; its port is the first line of its stdout."""
    server = subprocess.Popen(
        [python, str(Path(__file__).with_name("keyed.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **_QUIET, **environment},
        process_group=0 if sys.platform != "win32" else None,
    )
    assert server.stdin is not None
    orders: dict[str, Any] = {"key": key, "module": module, "argv": argv}
    with suppress(BrokenPipeError):
        server.stdin.write(json.dumps(orders).encode() + b"\n")
        server.stdin.flush()
    return server


def end(server: subprocess.Popen[bytes]) -> None:
    """End the server and all that it started."""
    if sys.platform == "win32":
        server.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def vllm(spec: EngineSpec) -> tuple[str, list[str], dict[str, str]]:
    """Module, arguments and environment of vLLM."""
    environment = {
        # a whole number of GiB, of which the cache takes all
        "VLLM_CPU_KVCACHE_SPACE": str(max(-(-spec.kv_bytes // _GIB), 1)),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # else it takes all cores, whatever it is told of threads
        "VLLM_HOST_IP": _HERE,  # its processes meet where nobody else comes
    }
    if sys.platform == "linux":
        environment["GLOO_SOCKET_IFNAME"] = "lo"
    # not every GPU knows bfloat16, which every processor does
    dtype = "auto" if gpus() else "bfloat16"
    argv = ["--model", _folder(spec), "--host", _HERE, "--port", "0", "--dtype", dtype]
    argv += ["--max-model-len", str(spec.context), "--max-num-seqs", str(spec.slots)]
    if spec.adapters:
        rank = next(each for each in _RANKS if each >= spec.adapter_rank)
        argv += ["--enable-lora", "--max-lora-rank", str(rank)]
        argv += ["--max-loras", str(min(len(spec.adapters), spec.slots)), "--lora-modules"]
        argv += [json.dumps({"name": name, "path": path}) for name, path in spec.adapters.items()]
    return "vllm.entrypoints.openai.api_server", argv, environment | _threads(spec)


def transformers(spec: EngineSpec) -> tuple[str, list[str], dict[str, str]]:
    """Module, arguments and environment of ``transformers serve``."""
    argv = ["serve", _folder(spec), "--host", _HERE, "--port", "0"]
    return "transformers.cli.transformers", argv, _threads(spec)


SERVERS = {"vllm": vllm, "transformers": transformers}


def _folder(spec: EngineSpec) -> str:
    return os.fspath(Path(spec.model).parent)


def _threads(spec: EngineSpec) -> dict[str, str]:
    return {"OMP_NUM_THREADS": str(spec.threads)}


def _code(server: subprocess.Popen[bytes]) -> int:
    """The exit status to leave with, after a server that has ended."""
    code = server.returncode or 0
    if code < 0:
        print(f"the server was ended by signal {-code}", file=sys.stderr, flush=True)  # noqa: T201
    return code if code > 0 else 1


if __name__ == "__main__":
    main()
