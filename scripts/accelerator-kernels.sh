#!/usr/bin/env bash
# Makes the accelerator's kernels.ptx anew from kernels.cu. Needs a clang with the NVPTX target, such as
# Debian's clang-14; no CUDA toolkit. `--check` only tells whether the committed text is what comes out.
set -euo pipefail
cd "$(dirname "$0")/../Sources/NF/MedullaAccelerators/kernels"
clang=${CLANG:-clang-14}
# sm_60 and PTX 6.0: from the P100 on. Products are rounded before they are added, as on the host.
make_text() {
    "$clang" -x cuda --cuda-device-only --cuda-gpu-arch=sm_60 -nocudainc -nocudalib -std=c++17 -O2 -S \
        -ffp-contract=off -fno-jump-tables -Xclang -target-feature -Xclang +ptx60 -o "$1" kernels.cu
}
if [ "${1:-}" = --check ]; then
    made=$(mktemp)
    trap 'rm -f "$made"' EXIT
    make_text "$made"
    cmp "$made" kernels.ptx
else
    make_text kernels.ptx
fi
