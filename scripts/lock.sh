#!/usr/bin/env bash
# Universal, hash-pinned locks that name no index.
set -euo pipefail
uv=$1
compile() {
  "$uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml "$@"
}
compile --output-file requirements/runtime.txt
compile --extra native --output-file requirements/native.txt
compile --group dev --output-file requirements/dev.txt
