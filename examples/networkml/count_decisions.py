#!/usr/bin/env python3
"""Counts the decisions of NetworkML's network that quantization changes.

    python3 import_networkml.py WHEEL --output DIR
    python3 count_decisions.py WHEEL DIR [--scheme w8a16] [--seed 2] [--rows 20000] [--default-ranges]

Rows are drawn from what the scaler tells of the training rows: each feature on its own, flags as 0 and 1, the
rest log-normal. The float network is NumPy in double precision; a decision is the role of the largest output.
"""
import argparse
import json
import pathlib
import subprocess

import import_networkml
import numpy as np

TRAINING_ROWS = 44_383
WHOLE = ("count_", "total_frame", "unique_", "max_frame", "min_frame")


def generate(scaler: import_networkml.Scaler, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = np.zeros((count, len(scaler.features)))
    for index, (name, mean, variance) in enumerate(zip(scaler.features, scaler.mean, scaler.variance)):
        if variance == 0:
            rows[:, index] = mean
        elif abs(variance - mean * (1 - mean)) < 1e-6:
            rows[:, index] = rng.random(count) < mean
        else:
            spread = np.log1p(variance / mean**2)
            drawn = rng.lognormal(np.log(mean) - spread / 2, np.sqrt(spread), count)
            # No farther out than that many training rows allow.
            drawn = np.minimum(drawn, mean + np.sqrt(TRAINING_ROWS * variance))
            drawn = np.rint(drawn) if any(part in name for part in WHOLE) else drawn
            others = ("count_", "total_", "variance_")
            is_length = "frame_len" in name and not any(part in name for part in others)
            rows[:, index] = np.minimum(drawn, 65535) if is_length else drawn
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--medulla", default="bin/medulla")
    parser.add_argument("--scheme", default="w8a16")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--default-ranges", action="store_true", help="those of the calibration rows alone")
    options = parser.parse_args()
    network, scaler = import_networkml.read_package(options.wheel)
    network = import_networkml.fold(network, scaler)
    names = ("calibration.npy", "rows.npy", "networkml.medulla")
    calibration, tests, bundle = (str(options.folder / name) for name in names)
    np.save(calibration, generate(scaler, 2_000, 1))
    rows = generate(scaler, options.rows, options.seed)
    np.save(tests, rows)
    ranges = [] if options.default_ranges else ["--ranges", str(options.folder / "ranges.csv")]
    command = [options.medulla, "compile", str(options.folder / "networkml.safetensors"), "--calibration",
               calibration, *ranges, "--scheme", options.scheme, "--feature-bits", "6", "-o", bundle,
               "--json"]
    manifest = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    command = [options.medulla, "run-model", bundle, "--input", tests, "--runtime", "native-simd"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    given = np.array([line.split(",") for line in text.split("\n") if "," in line], dtype=float)
    scores = import_networkml.scores(network, rows)
    powers = np.exp(scores - scores.max(1, keepdims=True))
    likely = -np.sort(-powers / powers.sum(1, keepdims=True), 1)
    changed = scores.argmax(1) != given.argmax(1)
    gaps = (likely[:, 0] - likely[:, 1])[changed]
    print(f"{manifest['shape']}: mean error {manifest['error']['mean_relative']:.3%} of the output's range")
    print(f"{changed.sum()} of {len(rows)} decisions change ({changed.mean():.2%})")
    if len(gaps):
        print(f"their softmax gap in floats is {np.median(gaps):.3f} at the median, {gaps.max():.3f} at most")


if __name__ == "__main__":
    main()
