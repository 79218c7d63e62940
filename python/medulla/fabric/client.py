"""Sends inputs into a fabric and takes the answers out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from medulla.fabric import cells, description
from medulla.fabric.description import Description, read_description, read_state
from medulla.fabric.errors import BAD_INPUT, NO_ANSWER, SYSTEM, FabricError
from medulla.fabric.exchange import Counts, Exchange
from medulla.fabric.frames import InputFrames, features
from medulla.fabric.port import BATCH, Port
from medulla.fabric.seat import Seat
from medulla.fabric.window import MILLISECOND, Action, Ask, Fail, Limits, Look, Send

#: So long a client sleeps at most, whatever its deadlines are.
_LONGEST_WAIT = 100 * MILLISECOND


@dataclass(frozen=True)
class FabricAnswers:
    """Answers in the order of the rows.

    ``outputs``       ``[n, outputs]``, float64, in the network's units
    ``integers``      the same as int64 fixed point, as the network made them
    ``labels``        ``[n]``, int64: the class that an argmax gave, else the place of the largest output
    ``microseconds``  ``[n]``, float64: from the first cell that was sent to the last that came
    ``attempts``      ``[n]``, int64: 1 where nothing was asked for again
    """

    outputs: np.ndarray
    integers: np.ndarray
    labels: np.ndarray
    microseconds: np.ndarray
    attempts: np.ndarray

    def __len__(self) -> int:
        return len(self.outputs)


class FabricClient:
    """A client of a running fabric, for one of its networks::

        with FabricClient("images") as client:
            answers = client.infer(rows)
        print(answers.labels)

    ``model`` may be left out where the fabric has one network. ``window`` is how many inferences are on their
    way at once, at most ``largest_window``, which is the default. Needs root, and holds one of the fabric's
    client numbers until it is closed. One thread at a time; any number of clients in a process. Raises
    FabricError when there is no such fabric or network, or when all client numbers are taken.
    """

    def __init__(self, name: str = "default", model: str | None = None, window: int | None = None) -> None:
        self.name = name
        state = read_state(name)
        state.demand_service()
        self._model = state.model(model)
        self.description: Description = read_description(self._model)
        if window is not None and not 1 <= window <= self.description.slots:
            raise FabricError(
                BAD_INPUT, f"a window of {window}",
                remedy=f"it is 1 to {self.description.slots}, by the plan")
        self.window = window or self.description.slots
        self.counts = Counts()
        self._folder: Path = description.folder(name)
        self._seat = Seat(self._folder, state.clients)
        try:
            self._port = Port(name, self._seat.number)
        except BaseException:
            self._seat.close()
            raise
        self._frames = InputFrames(self.description, self._seat.number)

    def __enter__(self) -> FabricClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the client number back; closing twice does nothing."""
        self._port.close()
        self._seat.close()

    @property
    def model(self) -> str:
        """The network's name."""
        return self._model.name

    @property
    def number(self) -> int:
        """The client number that this one holds."""
        return self._seat.number

    @property
    def largest_window(self) -> int:
        return self.description.slots

    @property
    def is_current(self) -> bool:
        """Whether the fabric that it was made for still runs."""
        return self._seat.is_current

    def infer(self, array: object) -> FabricAnswers:
        """The network's answers to rows of features, ``[n, inputs]`` or one row ``[inputs]``, in its units;
        they are taken as float32, as ``medulla fabric infer`` takes them.

        Raises FabricError: ``bad-input`` for another shape, NaN or infinity; ``no-answer`` when one did not
        come though it was asked for again and again; ``system`` when the fabric is gone.
        """
        rows = features(array, self.description.inputs)
        entered = self._frames.enter(rows)
        exchange = Exchange(
            self.description, self._seat.number, len(rows),
            Limits(window=self.window, slots=self.description.slots), self._seat.take(len(rows)), self.counts)
        while not exchange.is_done:
            self._act(exchange, exchange.start(_now()), entered)
            came = self._port.receive()
            actions: list[Action] = []
            for frame in came:
                if (read := cells.read(frame)) is not None:
                    actions += exchange.take(*read, _now())
            if any(isinstance(action, Look) for action in actions):
                moved = self._look(exchange)
                if moved is not None:
                    # What was to be sent belongs to the epoch that is over.
                    actions, entered = moved, self._frames.enter(rows)
            self._act(exchange, actions, entered)
            if len(came) == BATCH:
                continue
            self._act(exchange, exchange.expire(_now()), entered)
            if not came and (deadline := exchange.window.deadline) is not None:
                self._port.wait(min(deadline - _now(), _LONGEST_WAIT))
        outputs, labels = exchange.results()
        return FabricAnswers(
            outputs, exchange.integers, labels, exchange.nanoseconds / 1e3, exchange.attempts)

    def _act(self, exchange: Exchange, actions: list[Action], entered: np.ndarray) -> None:
        for action in actions:
            if isinstance(action, Send):
                inputs = entered[exchange.row(action.inference)]
                self._port.send(self._frames.frames(inputs, *action))
            elif isinstance(action, Ask):
                self.counts.asked += 1
                self._port.send(self._frames.question(*action, exchange.has(action.inference)))
            elif isinstance(action, Fail):
                row = exchange.row(action.inference)
                raise FabricError(
                    NO_ANSWER, f"the fabric {self.name} gave no answer to row {row}",
                    cause="it was asked for again and again",
                    remedy="`medulla fabric status` shows which switch drops cells")

    def _look(self, exchange: Exchange) -> list[Action] | None:
        """After a refusal: moves to the network's new epoch, and says what is to be done there; None: it has
        none."""
        models = read_state(self.name).models
        found = next((model for model in models if model.number == self._model.number), None)
        if found is None or found.epoch == self._model.epoch:
            self.counts.refused += 1
            return None
        new = read_description(found)
        if (new.inputs, new.outputs) != (self.description.inputs, self.description.outputs):
            raise FabricError(
                SYSTEM, f"the network {self.model} has another shape now",
                cause=f"it takes {new.inputs} inputs and gives {new.outputs} outputs",
                remedy="make a new client")
        self._model, self.description = found, new
        self._frames = InputFrames(new, self._seat.number)
        return exchange.move(new, _now())


def _now() -> int:
    return time.monotonic_ns()
