"""Runs an adapter's class for the daemon: ``python -m medulla.adapter module:Class``.

What it has in common with labelers, the channel and the class's loading, is :mod:`medulla.channel`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from medulla import channel
from medulla.adapter import Adapter, Batch, Greeting, Progress
from medulla.channel import CHANNEL, PROTOCOL, Responder, serve
from medulla.frames import Frame
from medulla.layers import Network

__all__ = ["CHANNEL", "PROTOCOL", "AdapterError", "Runner", "load", "main", "serve"]


class AdapterError(channel.ContractError):
    """The class does not keep the contract."""


def load(name: str) -> type[Adapter]:
    """The class ``module:Class``; modules of the working directory are found too."""
    return channel.load(name, Adapter, AdapterError)


class Runner(Responder):
    """Answers requests with an adapter of the class ``name``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.adapter: Adapter | None = None
        self.greeting: Greeting | None = None

    def dispatch(self, request: Frame, report: Any) -> Frame:
        kind = request.fields.get("request")
        if kind == "hello":
            return self._hello(request, report)
        if self.adapter is None or self.greeting is None:
            raise AdapterError(f"{kind!r} before hello")
        if kind == "freeze":
            return self._freeze(self.adapter.freeze())
        if kind == "adapt":
            return self._progress(self.adapter.adapt(self._batch(request)))
        if kind == "evaluate":
            return self._outputs(self.adapter, request.tensors["inputs"])
        if kind == "close":
            self.adapter.close()
            return Frame({})
        raise AdapterError(f"an unknown request {kind!r}")

    def _hello(self, request: Frame, report: Any) -> Frame:
        fields = request.fields
        if fields.get("protocol") != PROTOCOL:
            raise AdapterError(f"the daemon speaks protocol {fields.get('protocol')}, this package {PROTOCOL}")
        if fields.get("role", "adapter") != "adapter":
            raise AdapterError(f"the daemon wants a {fields['role']}: python -m medulla.labeler runs those")
        greeting = Greeting(
            function=fields["function"],
            inputs=fields["inputs"],
            outputs=fields["outputs"],
            outcomes=list(fields.get("outcomes", [])),
            options=dict(fields.get("options", {})),
        )
        model = fields["model"]
        if model["format"] == "onnx":
            greeting.onnx = request.tensors["onnx"].tobytes()
        else:
            greeting.document = {name: value for name, value in model.items() if name != "format"}
            greeting.tensors = request.tensors
            try:
                greeting.network = Network.from_document(model, request.tensors)
            except ValueError:
                greeting.network = None  # Other kinds of layers: the class may know them.
        if report is not None:
            greeting.report = report
        self.greeting = greeting
        self.adapter = load(self.name)(greeting)
        return Frame({"protocol": PROTOCOL, "name": self.name})

    def _freeze(self, frozen: Any) -> Frame:
        if isinstance(frozen, (bytes, bytearray)):
            return Frame({"model": {"format": "onnx"}}, {"onnx": np.frombuffer(frozen, np.uint8)})
        if not isinstance(frozen, Network):
            raise AdapterError(f"freeze gave {type(frozen).__name__}, not a medulla.Network or ONNX bytes")
        assert self.greeting is not None
        if (frozen.inputs, frozen.outputs) != (self.greeting.inputs, self.greeting.outputs):
            raise AdapterError(
                f"freeze gave a network of {frozen.inputs} inputs and {frozen.outputs} outputs, "
                f"not {self.greeting.inputs} and {self.greeting.outputs}"
            )
        document, tensors = frozen.document()
        for name, value in tensors.items():
            if not np.isfinite(value).all():
                raise AdapterError(f"freeze gave NaN or infinity in {name}")
        return Frame({"model": document | {"format": "layers"}}, tensors)

    def _batch(self, request: Frame) -> Batch:
        assert self.greeting is not None
        names = ("features", "outputs", "outcomes", "id", "flow", "version", "time")
        # A daemon of before sends no ids.
        columns = {name: request.tensors[name] for name in names if name != "id" or name in request.tensors}
        return Batch(
            **columns, outcome_names=self.greeting.outcomes, dropped=int(request.fields.get("dropped", 0))
        )

    @staticmethod
    def _progress(progress: Progress | float) -> Frame:
        if not isinstance(progress, Progress):
            progress = Progress(float(progress))
        stability = float(progress.stability)
        if not math.isfinite(stability):
            raise AdapterError(f"adapt gave the stability {stability}")
        figures = {name: float(value) for name, value in progress.figures.items()}
        return Frame({"stability": stability, "figures": {n: v for n, v in figures.items() if math.isfinite(v)}})

    def _outputs(self, adapter: Adapter, inputs: np.ndarray) -> Frame:
        assert self.greeting is not None
        outputs = np.asarray(adapter.evaluate(inputs), dtype=np.float32)
        wanted = (len(inputs), self.greeting.outputs)
        if outputs.shape != wanted:
            raise AdapterError(f"evaluate gave outputs of shape {outputs.shape}, not {wanted}")
        if not np.isfinite(outputs).all():
            raise AdapterError("evaluate gave NaN or infinity")
        return Frame({}, {"outputs": outputs})


def main(arguments: Sequence[str] | None = None) -> int:
    return channel.run(
        "medulla.adapter", "Run an adapter's class for the Medulla daemon.", load, Runner, arguments)
