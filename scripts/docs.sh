#!/usr/bin/env bash
# Writes the reference: manual pages of the command line to out/man, the library's API (DocC) to out/docs.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p out/man out/docs

swift package --allow-writing-to-directory out/man generate-manual --multi-page --output-directory out/man

# The demo's page is `medulla-demo`'s own, and stands in `medulla-lab`'s too.
for page in out/man/demo*.1; do
  if [ -e "$page" ]; then rm "$page"; fi
done

tools=$(dirname "$(readlink -f "$(command -v swift)")")
docc=$(command -v docc || echo "$tools/docc")
graphs=$(mktemp -d)
trap 'rm -rf "$graphs"' EXIT
swift build --target Medulla
built=$(swift build --show-bin-path)
# Modules of C in the sources have a map of their own, those of packages one that the build made.
maps=()
while IFS= read -r map; do maps+=(-Xcc "-fmodule-map-file=$map"); done < <(
  find "$PWD/Sources" -name module.modulemap
  find "$built/" -maxdepth 2 -name module.modulemap
)
triple=$(swift -print-target-info | awk -F'"' '/"triple"/ {print $4; exit}')
# `Medulla` is the only module with a public interface.
"$tools/swift-symbolgraph-extract" -module-name Medulla -I "$built/Modules" "${maps[@]}" -target "$triple" \
  -minimum-access-level public -output-dir "$graphs"
"$docc" convert Sources/Medulla/Medulla.docc --additional-symbol-graph-dir "$graphs" \
  --fallback-display-name Medulla --fallback-bundle-identifier medulla --output-path out/docs/Medulla.doccarchive
echo "docs: manual pages in out/man, API in out/docs"
