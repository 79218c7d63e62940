"""Network functions in Python: frames of a chain as NumPy views, where they were received.

``attach`` gives a port for a loop of one's own; a class that conforms to ``Function`` is run by ``serve`` or
by ``python -m medulla.nf module:Class``.
"""

from __future__ import annotations

import abc

from medulla.nf.batch import FRAME, Batch
from medulla.nf.port import BATCH, BRANCH, NEXT, RELEASE, AttachError, HostGone, Port

__all__ = [
    "BATCH", "BRANCH", "FRAME", "NEXT", "RELEASE", "AttachError", "Batch", "Function", "HostGone", "Port",
    "attach", "serve",
]


def attach(
    path: str | None = None, function: str | None = None, reattaching: float = 0, wait: float = 0.01,
) -> Port:
    """A port, as the function of that name at the path of a chain's host; without both as the function that
    the host has started this process as. Raises AttachError."""
    return Port(path, function, reattaching, wait)


class Function(abc.ABC):
    """A network function. Each frame that it gets must be returned once, at once or later, and at most
    ``port.quota`` of them may be out."""

    def __init__(self, port: Port) -> None:
        self.port = port

    @abc.abstractmethod
    def receive(self, batch: Batch) -> None:
        """Frames as they came."""

    def look(self) -> None:
        """No frame came for a moment; counts may be published here."""

    def start_anew(self) -> None:
        """Another host is there: frames that were held are lost."""


def serve(
    kind: type[Function], path: str | None = None, function: str | None = None, reattaching: float = 0,
) -> Function:
    """Runs a function until its chain ends, and with the next host where one comes within ``reattaching``
    seconds; returns it."""
    port = attach(path, function, reattaching)
    made, restarts = kind(port), port.restarts
    for batch in port:
        if port.restarts != restarts:
            restarts = port.restarts
            made.start_anew()
        if len(batch):
            made.receive(batch)
        else:
            made.look()
    return made
