#!/usr/bin/env bash
# Checks that need no build: C format, shell syntax. The other house rules are tests (HouseRulesTests).
set -euo pipefail
cd "$(dirname "$0")/.."
for script in scripts/*.sh .ci/run; do bash -n "$script"; done
if git ls-files | grep -E '(^|/)(Package\.resolved|\.build/|__pycache__/)|\.(o|profraw)$'; then
  echo "check: generated files are in git (above)"
  exit 1
fi
echo "check: clean"
