import json
from dataclasses import replace

import pytest

from ide_agent.inference.backends import EngineSpec
from ide_agent.inference.gpus import Gpu
from ide_agent.inference.serve import launch_main

SPEC = EngineSpec(
    model="/models/m/config.json", context=512, slots=2, threads=3, batch=64, api_key="", parent=1, kv_bytes=1
)


@pytest.mark.parametrize(("found", "dtype"), [((), "bfloat16"), ((Gpu("Tesla T4", 16, 16),), "auto")])
def test_a_gpu_need_not_know_what_every_processor_does(
    found: tuple[Gpu, ...], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch_main, "gpus", lambda: found)
    _, argv, _ = launch_main.vllm(SPEC)
    assert argv[argv.index("--dtype") + 1] == dtype


def test_vllm_is_given_adapters() -> None:
    _, argv, _ = launch_main.vllm(SPEC)
    assert "--enable-lora" not in argv
    spec = replace(SPEC, adapters={"m:a": "/m/x=y, z", "m:b": "/m/b", "m:c": "/m/c"}, adapter_rank=9)
    _, argv, _ = launch_main.vllm(EngineSpec.from_line(spec.to_line()))
    at = argv.index("--lora-modules")
    assert argv[at - 5 : at] == ["--enable-lora", "--max-lora-rank", "16", "--max-loras", "2"]
    assert [json.loads(each) for each in argv[at + 1 :]] == [
        {"name": "m:a", "path": "/m/x=y, z"},
        {"name": "m:b", "path": "/m/b"},
        {"name": "m:c", "path": "/m/c"},
    ]


@pytest.mark.parametrize("kind", launch_main.SERVERS)
def test_none_listens_to_other_machines(kind: str) -> None:
    _, argv, environment = launch_main.SERVERS[kind](SPEC)
    assert argv[argv.index("--host") + 1] == "127.0.0.1"
    assert environment["OMP_NUM_THREADS"] == "3"
