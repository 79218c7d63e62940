#!/usr/bin/env bash
# Runs each parser's fuzz target under libFuzzer for SECONDS (default 600), one after the other, from the committed
# corpus. A crash stops the run and leaves its input in out/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
mkdir -p out/fuzz

swift build --package-path fuzz -c release --sanitize=fuzzer --sanitize=address 2>&1 | tail -n 1
products=$(swift build --package-path fuzz -c release --sanitize=fuzzer --sanitize=address --show-bin-path)
for source in fuzz/Sources/Fuzz*; do
  target=$(basename "$source")
  name=$(printf '%s' "${target#Fuzz}" | tr '[:upper:]' '[:lower:]')
  echo "fuzz: $target for $seconds s"
  found=$(mktemp -d)
  "$products/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="out/fuzz/$name-" "$found" "fuzz/corpus/$name" 2>&1 | tail -n 12
  rm -rf "$found"
done
