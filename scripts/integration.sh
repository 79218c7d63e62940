#!/usr/bin/env bash
# One real link, end to end: compiles the shipped network, attaches it, measures a few cells, detaches it.
# Usage: scripts/integration.sh MEDULLA
set -euo pipefail
medulla=$1
name=medulla-i
mkdir -p out
"$medulla" compile models/aurora-medulla.onnx --calibration models/aurora-medulla-calibration.npy \
  -o out/integration.medulla
"$medulla" attach congestion --name "$name" out/integration.medulla
trap '"$medulla" detach "$name"' EXIT
"$medulla" experiment links --quick --json --congestion medulla_i --out out/links
