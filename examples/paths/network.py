#!/usr/bin/env python3
"""Writes the example's network as it begins: untrained, 8-12-12-2. NumPy only.

    python3 network.py [--seed N]
"""
import argparse
import json
import pathlib
import struct

import numpy as np

WIDTHS = (8, 12, 12, 2)
#: The most that each input may be: log2 of microseconds, bytes, flows and microseconds.
REACH = (22, 26, 8, 20) * 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    rng = np.random.default_rng(parser.parse_args().seed)
    folder = pathlib.Path(__file__).parent
    header, blob, layers = {}, b"", []
    for index, (inputs, outputs) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        # Inputs are not negative: weights that mostly are not either leave no neuron dead.
        weight = rng.uniform(-0.3, 0.7, (outputs, inputs)) / np.sqrt(inputs)
        parts = {f"{index}.weight": weight, f"{index}.bias": np.zeros(outputs)}
        for name, part in parts.items():
            data = part.astype("<f4").tobytes()
            header[name] = {"dtype": "F32", "shape": list(part.shape),
                            "data_offsets": [len(blob), len(blob) + len(data)]}
            blob += data
        layers += [{"kind": "dense", "weight": f"{index}.weight", "bias": f"{index}.bias"}, {"kind": "relu"}]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "mlp.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + blob)
    description = {"name": "mlp", "input": {"name": "paths", "shape": [WIDTHS[0]]}, "output": "costs",
                   "layers": layers[:-1]}
    (folder / "mlp.layers.json").write_text(json.dumps(description, indent=2) + "\n")
    np.save(folder / "calibration.npy", (rng.random((512, len(REACH))) * REACH).astype(np.float32))


if __name__ == "__main__":
    main()
