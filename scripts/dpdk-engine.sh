#!/usr/bin/env bash
# Builds the library by which a chain's host has its frames from DPDK: libmedulla_dpdk.so, which is opened at run time.
# It is no target of the package: what pkg-config says for DPDK (a processor, a header before all others) are flags that
# the package manager takes from nobody. Usage: scripts/dpdk-engine.sh [--if-present] OUTPUT      CC=clang
set -euo pipefail

if_present=no
if [ "${1:-}" = --if-present ]; then
  if_present=yes
  shift
fi
output=${1:?usage: scripts/dpdk-engine.sh [--if-present] OUTPUT}
sources=$(dirname "$0")/../Sources

if ! pkg-config --exists 'libdpdk >= 21.11'; then
  echo "dpdk-engine: no DPDK 21.11 or later here (apt-get install libdpdk-dev); chains with \`engine: dpdk\` need it" >&2
  [ "$if_present" = yes ] && exit 0
  exit 1
fi
# The toolchain's compiler builds what it builds elsewhere, else the system's.
compiler=${CC:-$(command -v clang || command -v cc)}
read -r -a flags < <(pkg-config --cflags libdpdk)
read -r -a libraries < <(pkg-config --libs libdpdk)
# In place of the old file, not into it: a host that runs keeps its own. DPDK's own headers are not held to our warnings.
"$compiler" -std=gnu11 -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden "${flags[@]/#-I/-isystem}" \
  -DALLOW_EXPERIMENTAL_API -I"$sources/CMedullaNF/include" -I"$sources/CMedullaDPDK" \
  -o "$output.new" "$sources"/CMedullaDPDK/*.c "${libraries[@]}"
mv "$output.new" "$output"
