"""The engine process of xllamacpp: llama.cpp's native server, told how to behave."""

from __future__ import annotations

import os
import sys
import threading

from ide_agent.inference.backends.base import EngineSpec
from ide_agent.inference.serve.guard import announce, take_spec

_ERRORS_ONLY = 1  # from level 2 on llama.cpp writes about every request
_HTTP_THREADS = 64  # one is taken by every open stream, waiting ones included
_PROMPT_CACHE_MIB = 256  # llama.cpp's default is 8192
_REUSE_CHUNK = 256


def main() -> None:
    """Load the model, serve it, stay until the host leaves."""
    spec = take_spec()
    os.environ["PATH"] = os.devnull  # it would start ffprobe on whatever is said to be a picture and is none
    import xllamacpp

    try:
        server = xllamacpp.Server(_parameters(xllamacpp, spec))
        port = int(server.listening_address.rsplit(":", 1)[1])
    except RuntimeError as failure:
        announce(error=str(failure), model=False)
        sys.exit(1)
    announce(port=port)
    threading.Event().wait()


def _parameters(xllamacpp, spec: EngineSpec):  # type: ignore[no-untyped-def]
    params = xllamacpp.CommonParams()
    params.model.path = spec.model
    params.mmproj.path = spec.projector
    params.n_ctx = spec.context * spec.slots
    params.n_parallel = spec.slots
    params.n_batch = params.n_ubatch = spec.batch
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = spec.threads
    writes = not (spec.embedding or spec.reranking)
    params.n_cache_reuse = _REUSE_CHUNK if writes and not spec.projector else 0
    params.cache_ram_mib = _PROMPT_CACHE_MIB if writes else 0
    params.ctx_shift = False
    params.fit_params = False
    if spec.gpu_layers >= 0:
        params.n_gpu_layers = spec.gpu_layers
    params.embedding = not writes
    if spec.reranking:
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    if spec.mean_pooling:
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_threads_http = _HTTP_THREADS
    params.api_keys = [spec.api_key]
    params.cors_origins = "https://nobody.invalid"  # an empty value would mean “reflect any origin”
    params.cors_credentials = False
    params.ui = False
    params.endpoint_slots = True
    params.verbosity = _ERRORS_ONLY
    return params


if __name__ == "__main__":
    main()
