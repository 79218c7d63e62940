#!/usr/bin/env bash
# Runs the test suite. As root it holds the kernel tests to running: one that is skipped fails the run.
# Arguments go to `swift test` (for example --filter NAME).
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" = 0 ]; then
  export MEDULLA_REQUIRE_KERNEL=${MEDULLA_REQUIRE_KERNEL:-1}
else
  echo "test: not root, so the kernel tests are skipped; 'sudo make test' runs them"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# One test at a time: many of them measure, and they share the machine's network names.
swift test --no-parallel "$@" 2>&1 | tee "$log"

if [ "${MEDULLA_REQUIRE_KERNEL:-0}" = 1 ] && grep -E '[Tt]est .*skipped' "$log" | grep -iE 'kernel|root'; then
  echo "test: kernel tests were skipped (above), and here they must run"
  exit 1
fi
left=$(ip netns list 2>/dev/null | awk '/^medulla-/ {print $1}' | while read -r name; do
  owner=${name##*-}
  case $owner in *[!0-9]*|'') echo "$name";; *) [ -d "/proc/$owner" ] || echo "$name";; esac
done)
if [ -n "$left" ]; then
  echo "test: namespaces were left behind: $left"
  exit 1
fi
