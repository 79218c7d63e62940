#!/usr/bin/env bash
# Writes the reference: manual pages of the command line to out/man, the modules' API (DocC) to out/docs.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p out/man out/docs

swift package --allow-writing-to-directory out/man generate-manual --multi-page --output-directory out/man

docc=$(command -v docc || echo "$(dirname "$(readlink -f "$(command -v swift)")")/docc")
graphs=$(mktemp -d)
trap 'rm -rf "$graphs"' EXIT
swift package dump-symbol-graph --minimum-access-level public >/dev/null
triple=$(swift -print-target-info | awk -F'"' '/"unversionedTriple"/ {print $4; exit}')
for module in MedullaModel MedullaSnapshot MedullaCodegen MedullaKernel MedullaDatapath MedullaLearning \
  MedullaAdaptation MedullaControl TestbedLink TestbedWorkload TestbedExperiments; do
  mkdir -p "$graphs/$module"
  cp ".build/$triple/symbolgraph/$module".symbols.json "$graphs/$module/"
  "$docc" convert --additional-symbol-graph-dir "$graphs/$module" --fallback-display-name "$module" \
    --fallback-bundle-identifier "medulla.$module" --output-path "out/docs/$module.doccarchive"
done
echo "docs: manual pages in out/man, API in out/docs"
