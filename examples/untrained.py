#!/usr/bin/env python3
"""Writes a network that has learned nothing yet, and inputs to calibrate it by: what examples begin with.

    python3 examples/untrained.py examples/paths/mlp 8-12-12-2 --most 22,26,8,20,22,26,8,20
    python3 examples/untrained.py examples/scheduling/ffnn 5-5-5-1 --most 12,24,30,24,24
    python3 examples/untrained.py out/own/own 12-16-8-4 --inputs out/own/inputs.csv
"""
import argparse
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
from medulla import Dense, Network  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=pathlib.Path, help="the files' name without its ending")
    parser.add_argument("widths", help="inputs, hidden layers and outputs, such as 5-5-5-1; ReLU between")
    known = parser.add_mutually_exclusive_group(required=True)
    known.add_argument("--most", help="the most that each input may be, with commas between")
    known.add_argument("--inputs", type=pathlib.Path, help="rows of real inputs, as CSV: the most of each is used")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    widths = [int(width) for width in options.widths.split("-")]
    most = (np.loadtxt(options.inputs, delimiter=",", ndmin=2).max(axis=0) + 1 if options.inputs
            else np.array([float(value) for value in options.most.split(",")]))
    if len(most) != widths[0]:
        parser.error(f"{len(most)} inputs are given, and the network has {widths[0]}")
    rng = np.random.default_rng(options.seed)
    # Inputs are not negative: weights that mostly are not either leave no neuron dead.
    layers = [Dense(rng.uniform(-0.3, 0.7, (b, a)) / np.sqrt(a), np.zeros(b), "relu")
              for a, b in zip(widths, widths[1:])]
    layers[-1].activation = "identity"
    Network(layers, options.path.name).save(options.path)
    calibration = (rng.random((512, len(most))) * most).astype(np.float32)
    np.save(options.path.with_name("calibration.npy"), calibration)


if __name__ == "__main__":
    main()
