#!/usr/bin/env bash
# The checks of the two clients that are not Python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/npm_packages.sh clients/vscode
scripts/npm_packages.sh clients/neovim
(cd clients/vscode && npm run --silent lint)
(cd clients/neovim && node stylua.mjs --check)
