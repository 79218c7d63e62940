"""Networks of dense layers, written so that Medulla reads them: no ONNX package needed.

A :class:`Network` crosses the wire as its layers, and :meth:`Network.save` writes ``NAME.safetensors`` with
``NAME.layers.json``, which ``medulla compile NAME.safetensors`` reads.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ACTIVATIONS = ("identity", "relu", "tanh", "sigmoid", "softmax")


@dataclass
class Dense:
    """``activation(weight @ x + bias)``; ``weight`` is ``[outputs, inputs]``, ``bias`` ``[outputs]``."""

    weight: np.ndarray
    bias: np.ndarray
    activation: str = "identity"

    def __post_init__(self) -> None:
        self.weight = np.array(self.weight, dtype=np.float32)
        self.bias = np.array(self.bias, dtype=np.float32)
        if self.weight.ndim != 2 or self.bias.shape != (self.weight.shape[0],):
            raise ValueError(
                f"a dense layer needs weight [outputs, inputs] and bias [outputs], "
                f"not {self.weight.shape} and {self.bias.shape}"
            )
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"{self.activation!r} is none of {', '.join(ACTIVATIONS)}")


class Network:
    """A chain of dense layers."""

    def __init__(self, layers: Sequence[Dense], name: str = "network") -> None:
        if not layers:
            raise ValueError("a network needs at least one layer")
        for before, after in zip(layers, layers[1:]):
            if before.weight.shape[0] != after.weight.shape[1]:
                raise ValueError(
                    f"a layer gives {before.weight.shape[0]} values, the next takes {after.weight.shape[1]}"
                )
        self.layers = list(layers)
        self.name = name

    @property
    def inputs(self) -> int:
        return int(self.layers[0].weight.shape[1])

    @property
    def outputs(self) -> int:
        return int(self.layers[-1].weight.shape[0])

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs ``[n, outputs]`` for inputs ``[n, inputs]``."""
        values = np.asarray(inputs, dtype=np.float32)
        for layer in self.layers:
            values = _activate(values @ layer.weight.T + layer.bias, layer.activation)
        return values

    def with_inputs_normalized(self, center: np.ndarray, scale: np.ndarray) -> Network:
        """The network that does ``(x - center) * scale`` first, folded into its first layer."""
        first = self.layers[0]
        weight = first.weight * np.asarray(scale, dtype=np.float32)
        bias = first.bias - weight @ np.asarray(center, dtype=np.float32)
        return Network([Dense(weight, bias, first.activation), *self.layers[1:]], self.name)

    def with_outputs_scaled(self, scale: float) -> Network:
        """The network whose outputs are ``scale`` times as large; its last layer must be linear."""
        last = self.layers[-1]
        if last.activation != "identity":
            raise ValueError("only a linear output can be scaled")
        return Network([*self.layers[:-1], Dense(last.weight * scale, last.bias * scale)], self.name)

    # How it crosses the wire, and files.

    def document(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The ``layers.json`` document and the tensors that it names."""
        entries: list[dict[str, Any]] = []
        tensors: dict[str, np.ndarray] = {}
        for index, layer in enumerate(self.layers):
            weight, bias = f"layer{index}.weight", f"layer{index}.bias"
            entries.append({"kind": "dense", "weight": weight, "bias": bias})
            tensors[weight], tensors[bias] = layer.weight, layer.bias
            if layer.activation != "identity":
                entries.append({"kind": layer.activation})
        return {"name": self.name, "input": {"shape": [self.inputs]}, "layers": entries}, tensors

    @staticmethod
    def from_document(document: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Network:
        """The network of a ``layers.json`` document that has dense layers and their activations only."""
        layers: list[Dense] = []
        for entry in document["layers"]:
            kind = entry["kind"]
            if kind == "dense":
                weight = np.asarray(tensors[entry["weight"]])
                weight = weight.T if entry.get("transposed") else weight
                bias = entry.get("bias")
                layers.append(Dense(weight, tensors[bias] if bias else np.zeros(weight.shape[0])))
            elif kind in ACTIVATIONS and layers and layers[-1].activation == "identity":
                layers[-1].activation = kind
            else:
                raise ValueError(f"a layer of kind {kind!r} is not a dense layer or its activation")
        return Network(layers, document.get("name") or "network")

    def save(self, path: str | Path) -> Path:
        """Writes ``PATH.safetensors`` and ``PATH.layers.json``; gives the first, for ``medulla compile``.

        A ``path`` that ends in ``.safetensors`` already is that first file; any other dot is part of the name.
        """
        path = Path(path)
        base = path.name.removesuffix(".safetensors")
        if not base:
            raise ValueError(f"{str(path)!r} names no file")
        document, tensors = self.document()
        header: dict[str, Any] = {}
        body = b""
        for name, value in tensors.items():
            data = np.ascontiguousarray(value, dtype="<f4").tobytes()
            offsets = [len(body), len(body) + len(data)]
            header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": offsets}
            body += data
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        weights = path.with_name(base + ".safetensors")
        weights.write_bytes(struct.pack("<Q", len(text)) + text + body)
        path.with_name(base + ".layers.json").write_text(json.dumps(document, indent=2) + "\n")
        return weights

    @staticmethod
    def random(widths: Sequence[int], activation: str = "tanh", seed: int = 0, name: str = "network") -> Network:
        """Random weights of variance 1/inputs; the last layer is linear."""
        generator = np.random.default_rng(seed)
        last = len(widths) - 2
        return Network(
            [
                Dense(
                    generator.standard_normal((outputs, inputs)) / np.sqrt(inputs),
                    np.zeros(outputs),
                    activation if index < last else "identity",
                )
                for index, (inputs, outputs) in enumerate(zip(widths, widths[1:]))
            ],
            name,
        )


def _activate(values: np.ndarray, activation: str) -> np.ndarray:
    if activation == "relu":
        return np.maximum(values, 0)
    if activation == "tanh":
        return np.tanh(values)
    if activation == "sigmoid":
        return np.exp(-np.logaddexp(0, -values))
    if activation == "softmax":
        powers = np.exp(values - values.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)
    return values
