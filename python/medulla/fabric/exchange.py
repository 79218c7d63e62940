"""The inferences of one call: what their cells bring together, and what is to be sent next. No clock, no
socket: cells and times come in, actions come out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from medulla.fabric import cells
from medulla.fabric.cells import MASK_BYTES, Cell
from medulla.fabric.description import Description
from medulla.fabric.window import ATTEMPT_LIMIT, Action, Limits, Look, Send, Window


@dataclass
class Counts:
    """What a client saw: times that it asked for an answer, sent inputs again, was refused without another
    epoch to move to, and got cells that were late or not for it."""

    asked: int = 0
    sent_again: int = 0
    refused: int = 0
    foreign: int = 0


@dataclass
class _Open:
    """``missing``: cells of the answer that have not come."""

    row: int
    missing: int
    has: bytearray = field(default_factory=lambda: bytearray(MASK_BYTES))


class Exchange:
    """``count`` inferences of a client; ``first`` is the number of the first.

    When ``is_done``, ``integers`` has the outputs ``[count, outputs]`` as fixed point, ``nanoseconds`` and
    ``attempts`` how long each took and how often it was tried.
    """

    def __init__(
        self, description: Description, client: int, count: int, limits: Limits, first: int,
        counts: Counts | None = None,
    ) -> None:
        self.description, self.client, self.count = description, client, count
        self.window = Window(limits, first)
        self.counts = counts or Counts()
        self.integers = np.zeros((count, description.outputs), np.int64)
        self.nanoseconds = np.zeros(count, np.int64)
        self.attempts = np.zeros(count, np.int64)
        # The epochs that answers came from, and which of them each row's did.
        self._epochs = [description]
        self._epoch = np.zeros(count, np.int64)
        self._open: dict[int, _Open] = {}
        self._started = 0

    @property
    def is_done(self) -> bool:
        return self._started == self.count and not self._open

    def row(self, inference: int) -> int:
        """Which row of the inputs an inference is of."""
        return self._open[inference].row

    def has(self, inference: int) -> bytes:
        """A bit for each cell of the answer that has come."""
        return bytes(self._open[inference].has)

    def start(self, now: int) -> list[Action]:
        """Starts inferences as far as there is room."""
        actions: list[Action] = []
        while self._started < self.count and self.window.has_room:
            send = self.window.start(now)
            self._open[send.inference] = _Open(self._started, len(self.description.answer_cells))
            self._started += 1
            actions.append(send)
        return actions

    def take(self, cell: Cell, payload: bytes, now: int) -> list[Action]:
        """What a cell that came asks for."""
        known = cell.model == self.description.model and cell.client == self.client
        if not known or cell.inference not in self.window:
            self.counts.foreign += 1
            return []
        if cell.type == cells.REFUSAL:
            return [Look()]
        if cell.epoch != self.description.epoch:
            self.counts.foreign += 1
        elif cell.type == cells.ANSWER:
            self._keep(cell, payload, now)
        elif cell.type == cells.MISSING:
            self.window.hear(cell.inference, now)
            self.counts.sent_again += 1
            return [Send(cell.inference, min(self.window.attempts(cell.inference), ATTEMPT_LIMIT), payload)]
        else:
            self.counts.foreign += 1
        return []

    def _keep(self, cell: Cell, payload: bytes, now: int) -> None:
        parts = self.description.answer_cells
        if cell.chunks != len(parts) or len(payload) != parts[cell.chunk].size * 8:
            self.counts.foreign += 1
            return
        answer = self._open[cell.inference]
        place, bit = cell.chunk // 8, 1 << cell.chunk % 8
        if answer.has[place] & bit:
            return
        answer.has[place] |= bit
        answer.missing -= 1
        self.integers[answer.row, parts[cell.chunk]] = np.frombuffer(payload, "<i8")
        if answer.missing:
            return
        self.attempts[answer.row] = self.window.attempts(cell.inference)
        self._epoch[answer.row] = len(self._epochs) - 1
        self.nanoseconds[answer.row] = self.window.finish(cell.inference, now)
        del self._open[cell.inference]

    def results(self) -> tuple[np.ndarray, np.ndarray]:
        """Outputs ``[count, outputs]`` in the network's units and labels ``[count]``, each by the epoch that
        gave it."""
        outputs, labels = np.zeros(self.integers.shape), np.zeros(self.count, np.int64)
        for number, description in enumerate(self._epochs):
            rows = np.flatnonzero(self._epoch == number)
            if len(rows):
                outputs[rows] = description.values(self.integers[rows])
                labels[rows] = description.labels(self.integers[rows])
        return outputs, labels

    def expire(self, now: int) -> list[Action]:
        """What is to be done for those whose time is up."""
        return self.window.expire(now)

    def move(self, description: Description, now: int) -> list[Action]:
        """The network is in another epoch, with as many inputs and outputs: what is on its way starts again
        there, and cells of the old epoch count no more."""
        self.description = description
        self._epochs.append(description)
        for answer in self._open.values():
            answer.has = bytearray(MASK_BYTES)
            answer.missing = len(description.answer_cells)
        return self.window.restart(now)
