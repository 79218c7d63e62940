#!/usr/bin/env bash
# An image goes in, the class comes out: a trained network, spread over the XDP switches of a fabric of network
# namespaces, says what is on images of Fashion-MNIST. Leaves answers.json and fabric.svg, the placement with the cells
# that were counted on each link, in out/demo-fabric. Root, clang.
#
# Usage: scripts/demo-fabric.sh [NETWORK.onnx]   (default models/fashion-medulla.onnx; `make fabric-model` trains a large
#        one: out/mini-alexnet/network.onnx)
#   MEDULLA=PATH       the medulla program (default bin/medulla)
#   TOPOLOGY=FILE      docs/reference/topology-file.md (default examples/fabric/images.yaml; 64 MiB a leaf for another
#                      network)
#   IMAGES=N           of the test set (default 256)
set -euo pipefail
cd "$(dirname "$0")/.."

medulla=${MEDULLA:-bin/medulla}
network=${1:-models/fashion-medulla.onnx}
out=out/demo-fabric
name=demo
images=${IMAGES:-256}
say() { printf '\n%s\n\n' "$*"; }

mkdir -p "$out"
topology=${TOPOLOGY:-examples/fabric/images.yaml}
if [ -z "${TOPOLOGY:-}" ] && [ $# -gt 0 ]; then
  topology=$out/topology.yaml
  printf 'fabric: { leaves: 8, spines: 4, memory: 64MiB }\nconstraints: { layers_per_switch: 1 }\n' >"$topology"
fi
python3 examples/fabric/images.py "$out" --images "$images"

say "A leaf for each layer, $topology:"
"$medulla" fabric plan "$network" --calibration "$out/calibration.npy" --topology "$topology" -o "$out/plan"

trap '"$medulla" fabric down --name "$name" >/dev/null 2>&1 || true' EXIT
"$medulla" fabric up "$out/plan" --name "$name" >/dev/null
say "The fabric is up. An image goes in:"
python3 examples/fabric/images.py --show "$out/test.npy" 0
"$medulla" fabric infer --name "$name" --input "$out/test.npy" --classes "$out/classes.txt" --window 4 --json \
  >"$out/answers.json"
say "The class comes out; of it and the images after it:"
python3 - "$out" <<'SUMMARY'
import json, pathlib, statistics, sys

out = pathlib.Path(sys.argv[1])
results = json.loads((out / "answers.json").read_text())["results"]
names = (out / "classes.txt").read_text().split()
labels = [int(line) for line in (out / "test-labels.txt").read_text().split()]
print(f"{'image':>5}  {'answer':<10} {'it is':<10} {'microseconds':>12}")
for number, (result, label) in enumerate(zip(results[:8], labels)):
    print(f"{number:>5}  {result['name']:<10} {names[label]:<10} {result['microseconds']:>12.0f}")
right = sum(result["label"] == label for result, label in zip(results, labels))
times = [result["microseconds"] for result in results]
print(f"\n{right} of {len(results)} images right, {statistics.median(times):.0f} microseconds in the median, four at once")
SUMMARY
say "What the switches' kernels counted:"
"$medulla" fabric status --name "$name" --picture "$out/fabric.svg"
say "Picture: $out/fabric.svg"
