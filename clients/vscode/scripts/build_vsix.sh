#!/usr/bin/env bash
# Builds dist/ide-agent-<version>.vsix, its tools installed first if need be, and prints its path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

../../scripts/npm_packages.sh ../web
../../scripts/npm_packages.sh .
npm run --silent package >&2
echo "$PWD/dist/ide-agent-$(node -p 'require("./package.json").version').vsix"
