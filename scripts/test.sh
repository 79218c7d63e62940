#!/usr/bin/env bash
# Runs the test suite. As root it holds the kernel tests to running, and what they made to being gone at the end.
# A test that needs the data beside the checkout is skipped by name where there is none. Arguments go to
# `swift test` (for example --filter NAME); `--build-only` builds them and runs none.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" = 0 ]; then
  export MEDULLA_REQUIRE_KERNEL=${MEDULLA_REQUIRE_KERNEL:-1}
else
  echo "test: not root, so the kernel tests are skipped; sudo env \"PATH=\$PATH\" make test runs them"
fi

# What a test may make and must remove: namespaces, files of DPDK, pinned instances, congestion controls. On a fresh
# machine none of the places exists yet.
traces() {
  { ip netns list 2>/dev/null || true; } | awk '/^medulla-/ {print "namespace " $1}'
  { find /var/run/dpdk -mindepth 1 -maxdepth 1 -name 'medulla-*' 2>/dev/null || true; } | sed 's/^/of DPDK /'
  { find /sys/fs/bpf/medulla -mindepth 1 -maxdepth 1 2>/dev/null || true; } | sed 's/^/pinned /'
  tr ' ' '\n' </proc/sys/net/ipv4/tcp_available_congestion_control 2>/dev/null | sed 's/^/congestion control /'
}

# Of these lines, those whose maker has ended: names carry its process's number, and others may be at work meanwhile.
abandoned() {
  while IFS= read -r line; do
    owner=$(grep -oE '[0-9]{2,}' <<<"$line" | head -n 1 || true)
    if [ -z "$owner" ] || ! [ -d "/proc/$owner" ]; then printf '%s\n' "$line"; fi
  done
}

# What only computes is optimized; builds by hand need not be.
export MEDULLA_OPTIMIZE=${MEDULLA_OPTIMIZE-yes}

# Debug information is for debuggers.
build=()
if [ -n "${CI:-}" ]; then build=(-debug-info-format none); fi
log=$(mktemp)
before=$(mktemp)
after=$(mktemp)
second=$(mktemp)
trap 'rm -f "$log" "$before" "$after" "$second"' EXIT
if [ "${1:-}" = --build-only ]; then
  swift build --build-tests "${build[@]}" 2>&1 | tee "$log"
  # The manifest has no unsafe flags, so that other packages can depend on this one: CI looks for warnings here.
  if [ -n "${CI:-}" ]; then scripts/warnings.sh "$log"; fi
  exit
fi
traces | sort >"$before"

status=0
# What neither measures nor makes namespaces runs on all cores. Of the others two run at a time, one of each group:
# those of the second mostly wait for a daemon or a process, and what they make carries their own process's number.
beside='^(Command|Medulla|Medulla(Adaptation|Compile|Control|Fabric|Flows|Labels))Tests\.'
computing='^(CongestionControl|HouseRules|Medulla(Accelerators|AcceleratorRuntimes|Codegen|Engines|Learning|Model|NFFunctions|Payload|Retraining|Runtime|Snapshot))Tests\.'
case " $* " in
  *" --filter "* | *" --skip "*) swift test "${build[@]}" --no-parallel "$@" 2>&1 | tee "$log" || status=$? ;;
  *)
    swift test "${build[@]}" --filter "$computing" "$@" 2>&1 | tee "$log" || status=$?
    swift test "${build[@]}" --no-parallel --skip-build --ignore-lock --filter "$beside" "$@" >"$second" 2>&1 &
    other=$!
    swift test "${build[@]}" --no-parallel --skip-build --ignore-lock --skip "$computing" --skip "$beside" "$@" 2>&1 |
      tee -a "$log" || status=$?
    wait "$other" || status=$?
    cat "$second"
    cat "$second" >>"$log"
    ;;
esac

# What failed, once more and last: a log of CI may keep no more than its end.
if [ "$status" != 0 ]; then
  echo "test: what failed:"
  grep -aE 'recorded an issue|^error:|: error: |Fatal error' "$log" | cut -c1-600 | head -n 60 || true
fi

# The manifest has no unsafe flags, so that other packages can depend on this one: CI looks for warnings here instead.
if [ -n "${CI:-}" ]; then scripts/warnings.sh "$log" || status=1; fi

skipped=$(grep -E '[Tt]est .*skipped' "$log" || true)
if [ "${MEDULLA_REQUIRE_KERNEL:-0}" = 1 ] && grep -iE 'kernel|root|python' <<<"$skipped"; then
  echo "test: tests that this machine can run were skipped (above)"
  status=1
fi

# The kernel frees an object when its last flow is gone, a moment after a test has ended.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  traces | sort >"$after"
  left=$(comm -13 "$before" "$after" | abandoned)
  [ -z "$left" ] && break
  sleep 0.5
done
if [ -n "$left" ]; then
  printf 'test: left behind: %s\n' "$left"
  status=1
fi
exit "$status"
