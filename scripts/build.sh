#!/usr/bin/env bash
# Builds programs for use and puts them into bin/, where they find each other.
# Usage: scripts/build.sh PROGRAM...      SWIFT=swift
set -euo pipefail
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}

for program in "$@"; do "$swift" build -c release --product "$program"; done
folder=$("$swift" build -c release --show-bin-path)
mkdir -p bin
for program in "$@"; do
  # In place of the old file, not into it: one that runs keeps its own.
  cp "$folder/$program" "bin/$program.new"
  mv "bin/$program.new" "bin/$program"
done
