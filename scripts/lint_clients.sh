#!/usr/bin/env bash
# The checks of what is not Python: the renderer of panels (its tests too) and the two clients.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/npm_packages.sh clients/web
scripts/npm_packages.sh clients/vscode
scripts/npm_packages.sh clients/neovim
(cd clients/web && npm run --silent lint && npm test --silent)
(cd clients/vscode && npm run --silent lint)
(cd clients/neovim && node stylua.mjs --check)
