#!/usr/bin/env bash
# Builds llama-cpp-python as `ide-agent engine native` does, from the hash-pinned lock: native.sh PYTHON
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
options='import shlex; from ide_agent.inference.native import cmake_options as o; print(shlex.join(f"-D{k}={v}" for k, v in o().items()))'
CMAKE_ARGS=$("$1" -c "$options")
export CMAKE_ARGS
# pip, not uv: it keeps what it has built, also where the index sends no validators
"$1" -m pip install --quiet --require-hashes -r "$root/requirements/native.txt"
