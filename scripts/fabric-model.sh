#!/usr/bin/env bash
# Trains the network of the fabric's demonstration and studies (examples/fabric/train.py) in an environment of its
# own, .venv-torch. By default mini-AlexNet on Fashion-MNIST, some twenty minutes on two cores (an epoch takes four).
#
# Usage: scripts/fabric-model.sh [OUT [ARGUMENT-OF-TRAIN...]]   (default out/mini-alexnet)
#   MEDULLA_TORCH_PYTHON=PATH   an interpreter that has PyTorch, onnx and NumPy, instead of .venv-torch
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'fabric-model: %s\n' "$*"; }

python=${MEDULLA_TORCH_PYTHON:-.venv-torch/bin/python3}
if [ -z "${MEDULLA_TORCH_PYTHON:-}" ] && ! "$python" -c 'import numpy, onnx, torch' 2>/dev/null; then
  say "installing PyTorch in .venv-torch"
  python3 -m venv .venv-torch
  # A wheel at hand without GPU libraries is preferred to the index's.
  "$python" -m pip install -q --disable-pip-version-check numpy onnx typing-extensions sympy networkx jinja2 fsspec filelock
  "$python" -m pip install -q --disable-pip-version-check --no-index --no-deps torch >/dev/null 2>&1 ||
    "$python" -m pip install -q --disable-pip-version-check torch
fi
out=${1:-out/mini-alexnet}
[ $# -gt 0 ] && shift
"$python" examples/fabric/train.py "$out" "$@"
