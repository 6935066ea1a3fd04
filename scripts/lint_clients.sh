#!/usr/bin/env bash
# The checks of the two clients that are not Python.
set -euo pipefail
packages() { [ -d node_modules ] || npm ci --silent --ignore-scripts; }
(cd clients/vscode && packages && npm run --silent lint)
(cd clients/neovim && packages && node stylua.mjs --check)
