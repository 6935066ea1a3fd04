"""The engine process of llama-cpp-python: our own server over llama.cpp's low-level interface."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from ide_agent.inference.backends.base import EngineSpec
from ide_agent.inference.serve.guard import announce, take_spec

_BATCH = 128  # computing breaks off within a batch, but what it had of other slots' prompts is lost


def main() -> None:
    """Load the model, serve it, stay until the host leaves."""
    spec = take_spec()
    try:
        app = _load(spec)
    except ImportError as failure:
        announce(error=f"llama-cpp-python does not load: {failure}", model=False)
        sys.exit(1)
    except Exception as failure:
        announce(error=str(failure) or type(failure).__name__, model=type(failure).__name__ == "ModelRefused")
        sys.exit(1)
    from ide_agent.inference.serve.http import serve

    serve(app)


def _load(spec: EngineSpec):  # type: ignore[no-untyped-def]
    from ide_agent.inference.serve.app import EngineApp
    from ide_agent.inference.serve.llama import Context, Model
    from ide_agent.inference.serve.scheduler import Scheduler

    model = Model(spec.model, spec.gpu_layers)
    context = Context(model, spec, spec.batch if spec.embedding else _BATCH)
    # In a thread that ends: where OpenMP has more threads than cores, this one's own beside the scheduler's,
    # it hardly lets those that wait spin.
    with ThreadPoolExecutor(1) as once:
        once.submit(context.warm_up).result()
    scheduler = None if spec.embedding else Scheduler(model, context, spec.slots)
    if scheduler is not None:
        scheduler.start()
    return EngineApp(spec, model, context, scheduler).asgi()


if __name__ == "__main__":
    main()
