#!/usr/bin/env bash
# Tests the Python package as a user gets it: a new virtual environment, the package installed from the tree,
# then all its tests, those of what the referee reads, Gymnasium's checks, the examples through the real runner, and
# one that ends in a bundle. PyTorch, JAX and Stable-Baselines3 are used when they can be had; what is left out is
# said by name.
#
# Usage: scripts/python.sh [PYTEST-ARGUMENT...]
#   MEDULLA=PATH        the medulla program (default bin/medulla, built when it is missing)
#   MEDULLA_TORCH=yes   install PyTorch from the index if no wheel is at hand (gigabytes; default: skip)
#   MEDULLA_VENV=DIR    keep the environment there (default: a temporary one)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

say() { printf 'python: %s\n' "$*"; }

program=${MEDULLA:-$root/bin/medulla}
# At the end of its input it ends; an older program does not know the command.
serves() { "$program" simulator serve </dev/null >/dev/null 2>&1; }
if ! serves && [ -z "${MEDULLA:-}" ]; then
  say "building $program"
  make build
fi
serves || { say "$program has no simulator"; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
environment=${MEDULLA_VENV:-$scratch/venv}
rm -rf "$environment"
python3 -m venv "$environment"
python=$environment/bin/python
pip=("$python" -m pip --quiet --disable-pip-version-check)

# A copy, because building a package leaves files beside its sources.
mkdir "$scratch/package"
cp -R python/pyproject.toml python/README.md python/medulla "$scratch/package/"
find "$scratch/package" -name __pycache__ -prune -exec rm -rf {} +
say "installing medulla with its tests' needs"
"${pip[@]}" install "$scratch/package[test]"

skipped=()
install() { # NAME PIP-ARGUMENT...
  local name=$1
  shift
  say "installing $name"
  "${pip[@]}" install "$@" >"$scratch/pip.log" 2>&1 || { skipped+=("$name"); tail -n 2 "$scratch/pip.log"; }
}

# The index's own wheel of PyTorch for Linux brings gigabytes of GPU libraries: prefer one that lies at hand.
if "${pip[@]}" install --no-index --no-deps torch >/dev/null 2>&1; then
  install torch typing-extensions sympy networkx jinja2 fsspec filelock
elif [ "${MEDULLA_TORCH:-no}" = yes ]; then
  install torch torch
else
  say "no wheel of PyTorch at hand; MEDULLA_TORCH=yes installs the index's"
  skipped+=(torch)
fi
install jax 'jax>=0.4'
if "$python" -c 'import torch' 2>/dev/null; then
  install stable-baselines3 stable-baselines3
else
  skipped+=(stable-baselines3)
fi

# Network functions attach by a library in C.
scripts/nf-library.sh "$scratch/libmedulla_nf.so"
export MEDULLA_NF_LIBRARY=$scratch/libmedulla_nf.so

say "the installed package, not the tree: $("$python" -c 'import medulla; print(medulla.__file__)')"
cp -R python/tests "$scratch/tests"
cp -R scripts/referee "$scratch/tests/referee"
cd "$scratch/tests"
MEDULLA=$program MEDULLA_REQUIRE_SIMULATOR=1 "$python" -m pytest -p no:cacheprovider -ra "$@"

if [ ${#skipped[@]} -gt 0 ]; then
  say "skipped for want of: ${skipped[*]}"
else
  say "nothing was left out"
fi
