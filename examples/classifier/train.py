#!/usr/bin/env python3
"""Trains the example's network on a recording, labelled by the ports of its servers: NumPy only.

Reads what `medulla features extract` writes of the recording, the network's inputs after the twelfth packet
of each flow. Writes classifier.safetensors, classifier.layers.json and calibration.npy beside itself.

    medulla features extract traffic.pcap --inputs features.txt --packets 12 --csv rows.csv
    python3 train.py rows.csv [--seed N]
"""
import argparse
import csv
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
from medulla import Dense, Network  # noqa: E402

SIZES = (16, 8)
PORTS = {"8080": "web", "5201": "bulk", "5222": "chat", "4000": "voice"}
FOLDER = pathlib.Path(__file__).parent


def read(path, labels):
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    port = header.index("destination_port")
    rows = [row for row in rows if row[port] in PORTS]
    inputs = np.array([[float(value) for value in row[5:]] for row in rows])
    return inputs, np.array([labels.index(PORTS[row[port]]) for row in rows])


def answers(layers, inputs):
    for weight, bias in layers[:-1]:
        inputs = np.maximum(inputs @ weight.T + bias, 0)
    return inputs @ layers[-1][0].T + layers[-1][1]


def train(rng, inputs, labels, classes, rounds=400, rate=0.01):
    """Adam on the cross-entropy of a softmax, over the whole set at once."""
    mean, deviation = inputs.mean(0), inputs.std(0) + 1e-6
    x = (inputs - mean) / deviation
    sizes = [x.shape[1], *SIZES, classes]
    layers = [[rng.normal(0, np.sqrt(2 / a), (b, a)), np.zeros(b)] for a, b in zip(sizes, sizes[1:])]
    moments = [[(np.zeros_like(part), np.zeros_like(part)) for part in layer] for layer in layers]
    for step in range(1, rounds + 1):
        values = [x + rng.normal(0, 0.05, x.shape)]
        for weight, bias in layers[:-1]:
            values.append(np.maximum(values[-1] @ weight.T + bias, 0))
        scores = values[-1] @ layers[-1][0].T + layers[-1][1]
        error = np.exp(scores - scores.max(1, keepdims=True))
        error /= error.sum(1, keepdims=True)
        error[np.arange(len(x)), labels] -= 1
        error /= len(x)
        for index in reversed(range(len(layers))):
            slopes = [error.T @ values[index], error.sum(0)]
            error = (error @ layers[index][0]) * (values[index] > 0)
            for part, slope in enumerate(slopes):
                first, second = moments[index][part]
                first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
                moments[index][part] = first, second
                scale = np.sqrt(second / (1 - 0.999**step)) + 1e-8
                layers[index][part] = layers[index][part] - rate * first / (1 - 0.9**step) / scale
    # The normalization goes into the first layer, so that the network takes the features as they are.
    layers[0][1] = layers[0][1] - layers[0][0] @ (mean / deviation)
    layers[0][0] = layers[0][0] / deviation
    return layers


def write(layers, calibration):
    parts = [Dense(weight, bias, "relu") for weight, bias in layers]
    parts[-1].activation = "identity"
    Network(parts, "classifier").save(FOLDER / "classifier")
    np.save(FOLDER / "calibration.npy", calibration.astype(np.float32))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    labels = [line for line in (FOLDER / "labels.txt").read_text().split("\n") if line and line[0] != "#"]
    inputs, truth = read(options.rows, labels)
    order = rng.permutation(len(inputs))
    kept, new = order[len(order) // 3:], order[:len(order) // 3]
    layers = train(rng, inputs[kept], truth[kept], len(labels))
    right = (answers(layers, inputs[new]).argmax(1) == truth[new]).sum()
    print(f"{right} of {len(new)} flows that it was not trained on are told right")
    write(layers, inputs[kept])


if __name__ == "__main__":
    main()
