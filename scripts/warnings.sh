#!/usr/bin/env bash
# Fails when a build's log has warnings in this package's own sources; those of dependencies are theirs.
# Usage: scripts/warnings.sh LOG
set -euo pipefail
cd "$(dirname "$0")/.."
found=$(grep -E "^($PWD|$(pwd -P))/(Sources|Tests|fuzz)/[^:]+:[0-9]+:[0-9]+: warning:" "$1" | sort -u || true)
[ -z "$found" ] && exit 0
printf '%s\n' "$found"
echo "warnings: $(wc -l <<<"$found") in our own sources (above); CI takes them for errors"
exit 1
