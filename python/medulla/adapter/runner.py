"""Runs an adapter's class for the daemon: ``python -m medulla.adapter module:Class``.

The daemon starts it with a connected Unix stream socket, whose number is in ``MEDULLA_ADAPTER_FD``. Prints of
the class go to the daemon's log. An exception in the class is answered with its traceback.
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import select
import socket
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np

from medulla.adapter import Adapter, Batch, Greeting, Progress
from medulla.frames import Frame, FrameError, read_frame
from medulla.layers import Network

PROTOCOL = 1
CHANNEL = "MEDULLA_ADAPTER_FD"


class AdapterError(Exception):
    """The class does not keep the contract."""


def load(name: str) -> type[Adapter]:
    """The class ``module:Class``; modules of the working directory are found too."""
    module_name, _, class_name = name.partition(":")
    if not module_name or not class_name:
        raise AdapterError(f"{name!r} is not of the form module:Class")
    if "" not in sys.path:
        sys.path.insert(0, "")
    found = getattr(importlib.import_module(module_name), class_name, None)
    if not isinstance(found, type):
        raise AdapterError(f"{module_name} has no class {class_name}")
    if not issubclass(found, Adapter):
        raise AdapterError(f"{name} is no medulla.Adapter")
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        raise AdapterError(f"{name} has no {', '.join(missing)}")
    return found


class Runner:
    """Answers requests with an adapter of the class ``name``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.adapter: Adapter | None = None
        self.greeting: Greeting | None = None

    def answer(self, request: Frame, report: Any = None) -> Frame:
        """The final answer to a request, whatever happens in the class."""
        identifier = request.fields.get("id")
        try:
            answer = self._dispatch(request, report)
            answer.fields |= {"answer": "ok", "id": identifier}
            answer.encode()  # What cannot be said is the class's error too.
            return answer
        except Exception as error:  # noqa: BLE001 - any exception of the class is to be told.
            message = f"{type(error).__name__}: {error}"
            text = traceback.format_exc()
            return Frame({"answer": "error", "id": identifier, "message": message[:4096], "traceback": text[-65536:]})

    def _dispatch(self, request: Frame, report: Any) -> Frame:
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


def serve(runner: Runner, channel: socket.socket) -> int:
    """Answers until the daemon closes; the exit status."""
    while (request := read_frame(channel.recv)) is not None:
        identifier = request.fields.get("id")

        def report(message: str, **figures: float) -> None:
            fields = {"answer": "progress", "id": identifier, "message": str(message)[:4096], "figures": figures}
            channel.sendall(Frame(fields).encode())

        if runner.greeting is not None:
            runner.greeting.report = report
        answer = runner.answer(request, report)
        channel.sendall(answer.encode())
        if answer.fields["answer"] == "error":
            print(answer.fields["traceback"], file=sys.stderr, flush=True)
            return 1
        if request.fields.get("request") == "close":
            return 0
    return 0


def _end_with(channel: socket.socket) -> None:
    """Ends this process when the daemon is gone, even in the middle of a long round."""
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLRDHUP)

    def watch() -> None:
        while not poll.poll(None):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="medulla-channel").start()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m medulla.adapter", description="Run an adapter's class for the Medulla daemon."
    )
    parser.add_argument("name", metavar="module:Class")
    parser.add_argument("--check", action="store_true", help="only check that the class can be loaded")
    options = parser.parse_args(arguments)
    if options.check:
        try:
            load(options.name)
        except (AdapterError, ImportError) as error:
            print(f"{options.name}: {error}", file=sys.stderr)
            return 1
        print(f"{options.name}: keeps the contract's form")
        return 0
    number = os.environ.get(CHANNEL)
    if number is None:
        print(f"{CHANNEL} is not set: the daemon starts this program; try --check", file=sys.stderr)
        return 2
    channel = socket.socket(fileno=int(number))
    _end_with(channel)
    try:
        return serve(Runner(options.name), channel)
    except FrameError as error:
        print(f"medulla.adapter: {error}", file=sys.stderr)
        return 1
