#!/usr/bin/env bash
# Puts uv, from the Python package index, into .tools/bin. Needs only a python3.
set -euo pipefail
python=${1:-python3}
dir=.tools
pin=uv==0.13.9
try_venv() { rm -rf "$dir/uv" && "$python" -m venv "$dir/uv" >/dev/null 2>&1 && "$dir/uv/bin/pip" install --quiet "$pin"; }
try_pip() { "$python" -m pip install --quiet --target "$dir/uv" "$pin"; }
try_apt() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv python3-pip >/dev/null
}
mkdir -p "$dir/bin"
try_venv || try_pip || { try_apt && { try_venv || try_pip; }; } || {
  echo "uv is missing and cannot be installed: this Python has neither venv nor pip." >&2
  echo "Install one of them (Debian: apt-get install python3-venv) or uv itself, then try again." >&2
  exit 1
}
ln -sf "../uv/bin/uv" "$dir/bin/uv"
