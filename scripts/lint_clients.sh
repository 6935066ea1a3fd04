#!/usr/bin/env bash
# The checks of the two clients that are not Python.
set -euo pipefail
(cd clients/vscode && { [ -d node_modules ] || npm ci --silent --ignore-scripts; } && npm run --silent lint)
