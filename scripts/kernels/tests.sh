#!/usr/bin/env bash
# The kernel tests that are built in the checkout, on the guest's kernel; but not those that time an emulated link, for
# which a machine that is emulated itself is too slow, nor what a cold inference costs: such a machine has no caches.
set -uo pipefail
export MEDULLA_REQUIRE_KERNEL=1
modprobe -a tun veth sch_netem
filters=()
for suite in 'KernelCongestionTests' 'KernelSamplesTests' 'KernelFunctionTests' 'KernelPacketTests' 'KernelInferenceTests' \
  'ToyFunctionTests' 'MemoryOrderTests' 'KernelRulesTests' 'KernelChainTests' 'KernelQuotaTests'; do
  filters+=(--filter "$suite")
done
filters+=(--skip 'KernelInferenceTests/cold')
.build/debug/medullaPackageTests.xctest --testing-library swift-testing --no-parallel "${filters[@]}" 2>&1 |
  grep --line-buffered -vE 'started\.|Test case passing|passed after' | cut -c1-400
status=${PIPESTATUS[0]}
left=$(ls /sys/fs/bpf/medulla 2>/dev/null)
[ -z "$left" ] || { echo "left behind: $left"; status=1; }
exit "$status"
