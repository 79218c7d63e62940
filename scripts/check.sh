#!/usr/bin/env bash
# Checks that need no build: shell syntax, nothing generated in git. The other house rules are tests.
set -euo pipefail
cd "$(dirname "$0")/.."
for script in scripts/*.sh scripts/kernels/* .ci/run; do bash -n "$script"; done
tracked=$(git ls-files)
if grep -E '(^|/)(Package\.resolved|\.build/|__pycache__/)|\.(o|profraw)$' <<<"$tracked"; then
  echo "check: generated files are in git (above)"
  exit 1
fi
echo "check: clean"
