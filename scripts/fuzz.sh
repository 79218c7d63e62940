#!/usr/bin/env bash
# Runs every fuzz target for a number of seconds, one after the other, at low priority. What it finds goes to
# out/fuzz/TARGET/ (new inputs) and out/fuzz/TARGET-crash-* (failures; add them to fuzz/corpus once fixed).
# Usage: scripts/fuzz.sh [SECONDS [TARGET...]]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for folder in fuzz/Fuzz*/; do targets+=("$(basename "$folder")"); done
fi

# A build folder of its own: everything in it is instrumented.
export MEDULLA_FUZZ=1
build=(swift build --scratch-path .build-fuzz -c release --sanitize=fuzzer)
for target in "${targets[@]}"; do "${build[@]}" --product "$target"; done
binaries=$("${build[@]}" --show-bin-path)

for target in "${targets[@]}"; do
  name=${target#Fuzz}
  corpus=fuzz/corpus/${name,,}
  mkdir -p "out/fuzz/$target"
  echo "fuzz: $target for $seconds s, seeds from $corpus"
  # Without this a trap waits in the backtracer instead of ending in libFuzzer's report.
  SWIFT_BACKTRACE=enable=no nice -n 19 "$binaries/$target" -max_total_time="$seconds" -timeout=30 \
    -rss_limit_mb=6000 -print_final_stats=1 -artifact_prefix="out/fuzz/$target-" "out/fuzz/$target" "$corpus" 2>&1 |
    grep -E '^(Done|stat::|==|SUMMARY|Fatal|.*(crash|timeout|oom)-)'
done
