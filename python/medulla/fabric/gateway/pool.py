"""A fabric's networks, and clients of them that requests share."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from medulla.fabric import description
from medulla.fabric.client import FabricAnswers, FabricClient
from medulla.fabric.description import Description, Model
from medulla.fabric.errors import BAD_INPUT, NO_SEAT, NOT_RUNNING, FabricError

#: How long a request waits for a client that others use.
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Network:
    """What requests need to know of one: its epoch, and the lengths of its rows."""

    name: str
    epoch: int
    inputs: int
    outputs: int


class Client(Protocol):
    """A client as the pool has it: ``FabricClient`` is one."""

    @property
    def model(self) -> str: ...
    @property
    def is_current(self) -> bool: ...
    @property
    def description(self) -> Description: ...
    def infer(self, array: object) -> FabricAnswers: ...
    def close(self) -> None: ...


class Source(Protocol):
    """Where networks and clients come from."""

    name: str

    def networks(self) -> list[str]: ...
    def network(self, name: str) -> Network: ...
    def open(self, name: str) -> Client: ...


class RunningSource:
    """A running fabric; what it says of a network is read again only when that has changed. Raises
    FabricError when there is no such fabric."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.clients = description.read_state(name).clients
        self._lock = threading.Lock()
        self._known: dict[str, tuple[tuple[Model, int, int], Network]] = {}

    def networks(self) -> list[str]:
        return [model.name for model in description.read_state(self.name).models]

    def network(self, name: str) -> Network:
        """Raises FabricError when the fabric does not run or has no such network."""
        state = description.read_state(self.name)
        model = state.model(name)
        try:
            file = (model.plan / "client.json").stat()
            key = (model, file.st_ino, file.st_mtime_ns)
        except OSError:
            key = (model, 0, 0)
        with self._lock:
            known = self._known.get(name)
            if known and known[0] == key:
                return known[1]
            found = description.read_description(model)
            made = Network(name, found.epoch, found.inputs, found.outputs)
            names = {model.name for model in state.models}
            self._known = {name: entry for name, entry in self._known.items() if name in names}
            self._known[name] = (key, made)
            return made

    def open(self, name: str) -> FabricClient:
        return FabricClient(self.name, name)


class ClientPool:
    """At most ``limit`` clients, made when they are wanted and kept for the next request. Any thread."""

    def __init__(self, source: Source, limit: int, patience_s: float = PATIENCE_S) -> None:
        self.source, self.limit, self.patience_s = source, limit, patience_s
        self._changed = threading.Condition()
        self._idle: list[Client] = []
        self._count = 0
        self._is_closed = False

    def infer(self, name: str, rows: np.ndarray) -> tuple[FabricAnswers, int]:
        """A network's answers, and the epoch that it is in then. Raises FabricError: ``no-seat`` when no
        client came free in ``patience_s``, and what ``FabricClient`` raises."""
        with self._borrowed(name) as client:
            return client.infer(rows), client.description.epoch

    @contextlib.contextmanager
    def _borrowed(self, name: str) -> Iterator[Client]:
        client = self._take(name)
        is_whole = False
        try:
            yield client
            is_whole = True
        except FabricError as error:
            is_whole = error.code == BAD_INPUT
            raise
        finally:
            # One whose request failed may be of a fabric that has ended: the next gets a new one.
            with self._changed:
                keeps = is_whole and not self._is_closed
                if keeps:
                    self._idle.append(client)
                else:
                    self._count -= 1
                self._changed.notify()
            if not keeps:
                client.close()

    def _take(self, name: str) -> Client:
        deadline = time.monotonic() + self.patience_s
        while True:
            with self._changed:
                if self._is_closed:
                    raise FabricError(NOT_RUNNING, "the gateway is ending")
                found, spent = self._choose(name)
                if found is None and spent is None and self._count >= self.limit:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise FabricError(
                            NO_SEAT, f"all {self.limit} clients of the gateway are busy",
                            remedy="ask again, or give `medulla fabric up` more (--clients)")
                    self._changed.wait(left)
                    continue
                if found is None:
                    # Another's place, or a free one.
                    self._count += spent is None
            if spent is not None:
                spent.close()
            return found if found is not None else self._open(name)

    def _choose(self, name: str) -> tuple[Client | None, Client | None]:
        """An idle client of the network; else one that is to be closed where there is no other place."""
        for client in reversed(self._idle):
            if client.model == name and client.is_current:
                self._idle.remove(client)
                return client, None
        worn = [client for client in self._idle if not client.is_current]
        if worn or (self._idle and self._count >= self.limit):
            spent = (worn or self._idle)[0]
            self._idle.remove(spent)
            return None, spent
        return None, None

    def _open(self, name: str) -> Client:
        try:
            return self.source.open(name)
        except BaseException:
            with self._changed:
                self._count -= 1
                self._changed.notify()
            raise

    def close(self) -> None:
        """Closes those that are idle, and the others when they come back."""
        with self._changed:
            self._is_closed = True
            idle, self._idle = self._idle, []
            self._count -= len(idle)
            self._changed.notify_all()
        for client in idle:
            client.close()
