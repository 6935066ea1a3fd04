"""xllamacpp's native server with nothing of ours: ``bare_engine.py MODEL [name=value …]``.

Prints its address, serves until its stdin ends. Parameters that are named are set on its `CommonParams`.
"""

from __future__ import annotations

import sys

import xllamacpp


def main() -> None:
    """Serve."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = sys.argv[1]
    parameters.n_ctx = 16384
    parameters.n_parallel = 2
    parameters.verbosity = 1
    for argument in sys.argv[2:]:
        name, value = argument.split("=")
        target = parameters
        *path, last = name.split(".")
        for step in path:
            target = getattr(target, step)
        setattr(target, last, int(value))
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
