#!/usr/bin/env bash
# Builds dist/ide-agent-<version>.vsix, its tools installed first if need be, and prints its path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lock=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat node_modules/.lock-hash 2>/dev/null || true)" != "$lock" ]; then
  npm ci --loglevel=error >&2
  echo "$lock" >node_modules/.lock-hash
fi
npm run --silent package >&2
echo "$PWD/dist/ide-agent-$(node -p 'require("./package.json").version').vsix"
