"""The daemon's side of the protocol, for tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Any

import numpy as np

from medulla import Network
from medulla.frames import Frame, read_frame

OUTCOMES = ["acknowledged", "lost", "marked", "rtt_us", "min_rtt_us", "interval_us", "rate", "delivery_rate"]


def hello(network: Network, outcomes: list[str] = OUTCOMES, **options: Any) -> Frame:
    document, tensors = network.document()
    fields = {
        "request": "hello", "id": 1, "protocol": 1, "function": "test", "inputs": network.inputs,
        "outputs": network.outputs, "outcomes": outcomes, "options": options,
        "model": document | {"format": "layers"},
    }
    return Frame(fields, tensors)


def adapt(features: np.ndarray, outputs: np.ndarray, outcomes: np.ndarray, identifier: int = 2) -> Frame:
    count = len(features)
    words = np.arange(count, dtype=np.uint64)
    tensors = {
        "features": features.astype(np.float32), "outputs": outputs.astype(np.float32),
        "outcomes": outcomes.astype(np.float32), "id": words, "flow": words,
        "version": words, "time": words,
    }
    return Frame({"request": "adapt", "id": identifier, "samples": count, "dropped": 0}, tensors)


class Process:
    """The real runner in a process of its own, as the daemon starts it."""

    def __init__(
        self, name: str, directory: str | None = None, program: str = "medulla.adapter"
    ) -> None:
        ours, theirs = socket.socketpair()
        self.channel = ours
        self.channel.settimeout(60)
        self.process = subprocess.Popen(
            [sys.executable, "-m", program, name], pass_fds=[theirs.fileno()], cwd=directory,
            env=os.environ | {"MEDULLA_ADAPTER_FD": str(theirs.fileno())}, stderr=subprocess.PIPE, text=True,
        )
        theirs.close()
        self.progress: list[Frame] = []

    def ask(self, request: Frame) -> Frame:
        self.channel.sendall(request.encode())
        while True:
            answer = read_frame(self.channel.recv)
            assert answer is not None, "the process closed its channel"
            if answer.fields["answer"] != "progress":
                return answer
            self.progress.append(answer)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.communicate()
