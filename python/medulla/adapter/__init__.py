"""The contract of an adapter, and what it is given."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np

from medulla.layers import Network

#: What ``freeze`` may give: dense layers, or the bytes of an ONNX file.
Frozen = Union[Network, bytes]


@dataclass
class Greeting:
    """What the adapter is for; given to its constructor."""

    #: The function's name, and the sizes of its network.
    function: str
    inputs: int
    outputs: int
    #: The names of a sample's outcomes, in the order of their columns; may be empty.
    outcomes: list[str]
    #: What the configuration has for this adapter.
    options: dict[str, Any]
    #: The network to begin with: the one that runs, or after a restart the last one that ``freeze`` gave.
    #: None when it is more than dense layers and their activations; then ``document`` and ``tensors`` have it
    #: as ``docs/reference/layers-json.md`` describes, or ``onnx`` has the bytes of an ONNX file.
    network: Network | None = None
    document: dict[str, Any] | None = None
    tensors: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    onnx: bytes | None = None
    #: Tells the daemon's log how far a long round is: ``report(message, figure=value)``.
    report: Callable[..., None] = field(default=lambda message, **figures: None, repr=False)


@dataclass
class Batch:
    """The samples of one interval; every array has one row or element for each sample."""

    #: The network's inputs ``[n, inputs]`` and outputs ``[n, outputs]`` in natural units, float32.
    features: np.ndarray
    outputs: np.ndarray
    #: What followed, ``[n, outcomes]``, float32.
    outcomes: np.ndarray
    #: Which flow, which snapshot version, and when (nanoseconds of the monotonic clock), uint64.
    flow: np.ndarray
    version: np.ndarray
    time: np.ndarray
    #: The names of the outcomes' columns.
    outcome_names: list[str] = field(default_factory=list)
    #: Samples that the kernel could not hand over before this batch.
    dropped: int = 0
    #: Names each sample, uint64; never given twice while the instance lives, so that a label that comes late
    #: finds its sample.
    id: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))

    def __len__(self) -> int:
        return len(self.features)

    def outcome(self, name: str) -> np.ndarray:
        """The column of that name."""
        return self.outcomes[:, self.outcome_names.index(name)]


@dataclass
class Progress:
    """What one round of learning gave."""

    #: The value that settles when learning has: training loss, mean reward.
    stability: float
    #: Further figures for the record.
    figures: Mapping[str, float] = field(default_factory=dict)


class Adapter(abc.ABC):
    """A network that keeps learning.

    Calls come one at a time. An exception ends the process: it is told to the daemon with its traceback, and
    the class is made anew after a while with the network that ``freeze`` gave last.
    """

    @abc.abstractmethod
    def __init__(self, greeting: Greeting) -> None: ...

    @abc.abstractmethod
    def freeze(self) -> Frozen:
        """Gives the network as it stands."""

    @abc.abstractmethod
    def adapt(self, batch: Batch) -> Progress | float:
        """Learns from a batch, which may be empty; a plain number is the stability value."""

    @abc.abstractmethod
    def evaluate(self, inputs: np.ndarray) -> np.ndarray:
        """The network's outputs ``[n, outputs]`` for inputs ``[n, inputs]``."""

    def close(self) -> None:
        """Called before the process ends in good order."""
