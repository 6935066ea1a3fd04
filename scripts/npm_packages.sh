#!/usr/bin/env bash
# Installs what FOLDER/package-lock.json pins into FOLDER/node_modules, unless exactly that is there.
set -euo pipefail
cd "$1"
exec 9<package-lock.json
flock 9
lock=$(sha256sum package-lock.json | cut -d' ' -f1)
[ "$(cat node_modules/.lock-hash 2>/dev/null)" = "$lock" ] && exit 0
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
echo "$lock" >node_modules/.lock-hash
