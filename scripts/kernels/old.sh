#!/usr/bin/env bash
# What a user meets on a kernel before Linux 6.6: what is refused says why and what to do; inference works.
# Usage: MEDULLA=… BUNDLES=… old.sh
# shellcheck disable=SC2119,SC2120,SC2329
set -uo pipefail
# shellcheck source=scripts/kernels/steps
. scripts/kernels/steps

# A command that must fail, and say this.
refused() {
  local words=$1
  shift
  if "$@" >/tmp/refusal 2>&1; then return 1; fi
  cat /tmp/refusal
  grep -qF -- "$words" /tmp/refusal
}

kernel=$(uname -r | grep -oE '^[0-9]+\.[0-9]+')
step refused "Linux 6.6 or newer" medulla doctor
step link
step refused "--kernel $kernel -o" medulla attach congestion --name medulla "$BUNDLES/aurora.medulla"
step refused "6.6 or newer" medulla attach congestion --name medulla "$BUNDLES/aurora-old.medulla"
step same_bits "$BUNDLES/aurora-old.medulla" "$BUNDLES/aurora.npy"
step refused "6.6 or newer" in_a "$MEDULLA" attach function classify "$BUNDLES/classify-old.medulla" \
  --program classify-xdp --hook xdp:va
step fabric userspace
step refused "6.10 or newer" medulla fabric up /tmp/fabric-plan
[ -z "$(ls /sys/fs/bpf 2>/dev/null)" ] || failed=$((failed + 1))
exit "$((failed > 0))"
