#!/usr/bin/env bash
# Writes the reference: manual pages of the command line to out/man, the library's API (DocC) to out/docs.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p out/man out/docs

swift package --allow-writing-to-directory out/man generate-manual --multi-page --output-directory out/man

docc=$(command -v docc || echo "$(dirname "$(readlink -f "$(command -v swift)")")/docc")
graphs=$(mktemp -d)
trap 'rm -rf "$graphs"' EXIT
swift package dump-symbol-graph --minimum-access-level public >/dev/null
triple=$(swift -print-target-info | awk -F'"' '/"unversionedTriple"/ {print $4; exit}')
# `Medulla` is the only module with a public interface.
cp ".build/$triple/symbolgraph/Medulla.symbols.json" "$graphs/"
"$docc" convert Sources/Medulla/Medulla.docc --additional-symbol-graph-dir "$graphs" \
  --fallback-display-name Medulla --fallback-bundle-identifier medulla --output-path out/docs/Medulla.doccarchive
echo "docs: manual pages in out/man, API in out/docs"
