#!/usr/bin/env bash
# Opens a copy of a sample in Neovim with the plugin, ready to type: Tab takes the grey text, :q! leaves.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R "$root/samples/shop" "$copy/"
export PATH="$root/.venv/bin:$PATH"
nvim --clean -i NONE \
  --cmd "set runtimepath^=$root/clients/neovim termguicolors noswapfile laststatus=2" \
  --cmd "set statusline=%t\\ %m%=%{v:lua.require'ide_agent'.status()}\\ " \
  "$copy/shop/prices.py" "+call feedkeys('Goreturn ', 't')"
