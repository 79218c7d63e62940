#!/usr/bin/env python3
"""Trains the example's network on synthetic flows: NumPy only.

Bulk flows send full segments back to back; interactive ones send small messages with pauses of a person or of a
periodic sender. Features are those of `classify.bpf.c`. Writes classify.safetensors, classify.layers.json and
classify-calibration.npy beside itself.

    python3 train.py [--seed N]
"""
import argparse
import json
import pathlib
import struct

import numpy as np

HIDDEN = 12


def log4(value):
    """`classify_log`: log2 with four steps between powers of two, 0 for 0."""
    value = np.asarray(value, dtype=np.int64)
    power = np.where(value > 0, np.floor(np.log2(np.maximum(value, 1))), 0).astype(np.int64)
    quarters = (value << 2 >> power) & 3
    return np.where(value > 0, power + quarters / 4.0, 0.0)


def flow(rng, bulk):
    """Packets of one flow as (payload bytes, gap in us)."""
    count = int(rng.integers(4, 400))
    if bulk:
        # A segment, or what segmentation offload makes of many.
        payload = rng.choice([1448, 2896, 8688, 14480, 65160], count, p=[0.4, 0.2, 0.2, 0.1, 0.1])
        gap = rng.exponential(rng.choice([2, 20, 200, 2000]), count)
        pauses = rng.random(count) < 0.02
        gap = np.where(pauses, rng.exponential(50_000, count), gap)
    else:
        payload = rng.integers(1, rng.choice([40, 120, 400, 1200]) + 1, count)
        gap = rng.exponential(rng.choice([5_000, 20_000, 100_000, 500_000]), count)
        bursts = rng.random(count) < 0.1
        gap = np.where(bursts, rng.exponential(300, count), gap)
    return payload.astype(np.int64), np.maximum(gap, 0).astype(np.int64)


def features(payload, gap):
    """One row a packet, as the collector makes them."""
    gap = gap.copy()
    gap[0] = 0
    packets = np.arange(1, len(payload) + 1)
    total = np.cumsum(payload)
    life = np.cumsum(gap)
    columns = [payload, total // packets, packets, total, gap, life // packets]
    return np.stack([log4(column) for column in columns], axis=1)


def samples(rng, flows):
    rows, labels = [], []
    for index in range(flows):
        bulk = index % 2
        made = features(*flow(rng, bulk))
        # Early packets count as much as late ones: the class is wanted early.
        kept = np.unique(np.concatenate([np.arange(min(8, len(made))), rng.integers(0, len(made), 8)]))
        rows.append(made[kept])
        labels.append(np.full(len(kept), bulk))
    return np.concatenate(rows), np.concatenate(labels)


def train(rng, inputs, labels, rounds=40, rate=0.01):
    mean, deviation = inputs.mean(0), inputs.std(0)
    x = (inputs - mean) / deviation
    weights = [rng.normal(0, np.sqrt(2 / x.shape[1]), (HIDDEN, x.shape[1])), np.zeros(HIDDEN)]
    weights += [rng.normal(0, np.sqrt(2 / HIDDEN), (2, HIDDEN)), np.zeros(2)]
    first = [np.zeros_like(w) for w in weights]
    second = [np.zeros_like(w) for w in weights]
    step = 0
    for _ in range(rounds):
        order = rng.permutation(len(x))
        for start in range(0, len(x), 256):
            chosen = order[start:start + 256]
            hidden = np.maximum(x[chosen] @ weights[0].T + weights[1], 0)
            scores = hidden @ weights[2].T + weights[3]
            shifted = np.exp(scores - scores.max(1, keepdims=True))
            error = shifted / shifted.sum(1, keepdims=True)
            error[np.arange(len(chosen)), labels[chosen]] -= 1
            error /= len(chosen)
            back = (error @ weights[2]) * (hidden > 0)
            slopes = [back.T @ x[chosen], back.sum(0), error.T @ hidden, error.sum(0)]
            step += 1
            for index, slope in enumerate(slopes):
                first[index] = 0.9 * first[index] + 0.1 * slope
                second[index] = 0.999 * second[index] + 0.001 * slope**2
                scale = np.sqrt(second[index] / (1 - 0.999**step)) + 1e-8
                weights[index] = weights[index] - rate * first[index] / (1 - 0.9**step) / scale
    # The normalization goes into the first layer, so that the network takes the features as they are.
    weights[1] = weights[1] - weights[0] @ (mean / deviation)
    weights[0] = weights[0] / deviation
    return [w.astype(np.float32) for w in weights]


def answers(weights, inputs):
    hidden = np.maximum(inputs @ weights[0].T + weights[1], 0)
    return (hidden @ weights[2].T + weights[3]).argmax(1)


def write(directory, weights, calibration):
    names = ["first.weight", "first.bias", "second.weight", "second.bias"]
    header, blob = {}, b""
    for name, weight in zip(names, weights):
        data = weight.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(weight.shape),
                        "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (directory / "classify.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + blob)
    layers = [{"kind": "dense", "weight": "first.weight", "bias": "first.bias"}, {"kind": "relu"},
              {"kind": "dense", "weight": "second.weight", "bias": "second.bias"}]
    description = {"name": "classify", "input": {"name": "flow", "shape": [weights[0].shape[1]]},
                   "output": "scores", "layers": layers}
    (directory / "classify.layers.json").write_text(json.dumps(description, indent=2) + "\n")
    np.save(directory / "classify-calibration.npy", calibration.astype(np.float32))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    rng = np.random.default_rng(parser.parse_args().seed)
    inputs, labels = samples(rng, 2_000)
    weights = train(rng, inputs, labels)
    tests, truth = samples(rng, 500)
    print(f"{(answers(weights, tests) == truth).mean():.4f} of {len(tests)} decisions on new flows are right")
    write(pathlib.Path(__file__).parent, weights, inputs[rng.choice(len(inputs), 512, replace=False)])


if __name__ == "__main__":
    main()
