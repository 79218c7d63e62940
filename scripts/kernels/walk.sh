#!/usr/bin/env bash
# What a user does with Medulla, step by step, in a guest. Prints a line for each step, and what a failed one said.
# Usage: MEDULLA=… BUNDLES=… walk.sh
# shellcheck disable=SC2119,SC2120,SC2329
set -uo pipefail
# shellcheck source=scripts/kernels/steps
. scripts/kernels/steps

# A transfer of which the network decides the rate, while another snapshot takes its place and goes again.
swap_in_flight() {
  in_a iperf3 -c 10.9.0.2 -C medulla -t "${1:-8}" -f m >/tmp/long 2>&1 &
  local transfer=$!
  sleep 2
  medulla status medulla --flows >/tmp/status && cat /tmp/status && in_a ss -tin dst 10.9.0.2 | grep -q medulla &&
    grep -q 'slot 0 .* [1-9][0-9]* decisions' /tmp/status && medulla update medulla "$BUNDLES/next.medulla" && medulla rollback medulla
  local status=$?
  wait "$transfer" && return "$status"
}

gone() { ! controls | grep -q "$1" && [ -z "$(ls /sys/fs/bpf/medulla)" ]; }

packets() {
  in_a "$MEDULLA" attach function classify "$BUNDLES/classify.medulla" --program "$1" --hook "$2" --sample 1 &&
    transfer && in_a "$MEDULLA" status classify && count "$2" && in_a "$MEDULLA" update classify "$BUNDLES/classify-next.medulla" &&
    in_a "$MEDULLA" rollback classify && in_a "$MEDULLA" detach classify
}

classes() {
  in_a "$MEDULLA" attach classifier --name classes --dev va --at "$1" "$BUNDLES/flows.medulla" --packets every &&
    transfer && in_a "$MEDULLA" status classes && in_a "$MEDULLA" detach classes
}

# The instructions that the verifier walked through in the attached function: a line for the table of the host.
count() {
  local number
  number=$(in_a "$MEDULLA" status classify --json | grep -m 1 -oP '"verified_instructions"\s*:\s*\K[0-9]+') &&
    echo "verified classify ${1%%:*} $number" >>/tmp/verified
}

step medulla doctor
[ "$failed" = 0 ] || exit 1
step link
step same_bits "$BUNDLES/aurora.medulla" "$BUNDLES/aurora.npy"
step medulla attach congestion --name medulla "$BUNDLES/aurora.medulla" --sample 1
step transfer -C medulla
step swap_in_flight
step medulla detach medulla
step gone medulla
step packets classify tc:va:egress
step packets classify-xdp xdp:va
step classes both
step classes xdp
step gone classify
step fabric kernel
step fabric userspace
scripts/kernels/verified.sh && cat /tmp/verified || failed=$((failed + 1))
dmesg | grep -E 'BUG|WARNING|Oops' && failed=$((failed + 1))
exit "$((failed > 0))"
