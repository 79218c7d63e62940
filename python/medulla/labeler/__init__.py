"""The contract of a labeler, and what it is given.

A labeler says of what class flows are. The daemon runs it in a process of its own by
``python -m medulla.labeler module:Class``.
"""

from __future__ import annotations

import abc
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


@dataclass
class LabelGreeting:
    """What labels are about; given to the constructor."""

    #: The function's name.
    function: str
    #: The network's classes, and its inputs by name: ``log2(1+NAME)`` is that logarithm of the feature NAME.
    classes: list[str]
    features: list[str]
    #: What the configuration has for this labeler.
    options: dict[str, Any]
    #: Tells the daemon's log how far a long round is: ``report(message, figure=value)``.
    report: Callable[..., None] = field(default=lambda message, **figures: None, repr=False)


@dataclass(frozen=True)
class Flow:
    """Who talks with whom: the direction of the flow's first packet."""

    source: Address
    destination: Address
    source_port: int
    destination_port: int
    #: The number of the protocol over IP: 6 is TCP, 17 UDP.
    transport: int


@dataclass
class LabelRequest:
    """A decided flow of which the class is wanted."""

    #: Names the sample; never given twice while the instance lives.
    id: int
    #: When it was decided, in nanoseconds of the monotonic clock.
    time: int
    #: The network's inputs by name, in natural units.
    features: dict[str, float]
    #: Exact numbers that the sample has beside its inputs, by name.
    facts: dict[str, float]
    #: What the network said; None: it was unsure. And its largest output less the next.
    prediction: str | None
    margin: float
    #: None when it is no flow, such as a row of a table.
    flow: Flow | None = None


@dataclass(frozen=True)
class Labelled:
    """A class, by name or by place, and how sure one is of it (0 to 1). None abstains."""

    label: str | int | None
    confidence: float = 1.0
    #: Of which request; None: of the one that was asked. An earlier one's is a late label.
    id: int | None = None


#: What ``label`` may give: a class's name or place, None to abstain, or with more to say of it.
Answer = Union[str, int, None, Labelled]


@dataclass
class Requests:
    """The flows of one call; every array has one row or element for each of them."""

    id: np.ndarray
    time: np.ndarray
    #: ``[n, inputs]``, float32.
    features: np.ndarray
    #: The place of the class that the network gave, -1 where it was unsure; float32.
    prediction: np.ndarray
    margin: np.ndarray
    #: ``[n, k]``, float64, NaN where a flow has none, by the names of ``fact_names``.
    facts: np.ndarray
    fact_names: list[str]
    feature_names: list[str]
    classes: list[str]
    #: None where no flow has any.
    flows: list[Flow | None]

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, index: int) -> LabelRequest:
        place = int(self.prediction[index])
        facts = {n: float(v) for n, v in zip(self.fact_names, self.facts[index]) if not np.isnan(v)}
        return LabelRequest(
            id=int(self.id[index]), time=int(self.time[index]),
            features={n: float(v) for n, v in zip(self.feature_names, self.features[index])}, facts=facts,
            prediction=self.classes[place] if place >= 0 else None, margin=float(self.margin[index]),
            flow=self.flows[index])


class Labeler(abc.ABC):
    """Says of what class flows are.

    Calls come one at a time. An exception ends the process: it is told to the daemon with its traceback, and the
    class is made anew after a while.
    """

    def __init__(self, greeting: LabelGreeting) -> None:
        self.greeting = greeting

    @abc.abstractmethod
    def label(self, request: LabelRequest) -> Answer:
        """The class of one flow: its name or place, None to abstain, or a ``Labelled``."""

    def label_all(self, requests: Requests) -> Sequence[Answer]:
        """The classes of the flows of one call, in their order; overridden by what labels many at once.

        May be longer than the requests by ``Labelled`` with the ids of earlier ones.
        """
        return [self.label(requests[index]) for index in range(len(requests))]

    def close(self) -> None:
        """Called before the process ends in good order."""


from medulla.labeler.network import OnnxLabeler  # noqa: E402 - it is a Labeler.

__all__ = [
    "Answer", "Flow", "LabelGreeting", "LabelRequest", "Labelled", "Labeler", "OnnxLabeler", "Requests",
]
