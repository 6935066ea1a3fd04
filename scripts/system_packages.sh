#!/usr/bin/env bash
# Installs what scripts/system-packages.txt lists where that is allowed, else says what is missing.
set -euo pipefail
cd "$(dirname "$0")"
missing=()
while read -r package command; do
  [ -n "$command" ] && command -v "$command" >/dev/null && continue
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done < <(grep -v '^#' system-packages.txt)
[ ${#missing[@]} = 0 ] && exit 0
if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
  run=() && [ "$(id -u)" = 0 ] || run=(sudo -n)
  echo "installing: ${missing[*]}"
  "${run[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "These system packages are missing; please install them: ${missing[*]}" >&2
  exit 1
fi
