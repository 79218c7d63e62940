"""Which inferences a client has on their way, and what it does when cells or answers do not come: the
decisions without clock and socket.

Each inference has a slot, so many of them as the fabric has for a client. Lost cells are found by time: the
client asks the last layer for the answer, which asks the one before it for what it lacks, and so on up to the
client. The time is that of RFC 6298, and doubles at each try. A loss halves the window, as TCP's does, and
each answer widens it again by a part. Times are nanoseconds of any clock that does not go back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Union

MILLISECOND = 1_000_000
_NUMBERS = 1 << 32
_DOUBLINGS = 8
#: The largest attempt that a header has room for.
ATTEMPT_LIMIT = 255


@dataclass(frozen=True)
class Limits:
    """``window``: inferences at once; ``slots``: that the fabric has for a client, an inference has that of
    its number modulo these; ``first_patience``: before the first answer says how long one takes."""

    window: int = 1
    slots: int = 1
    attempts: int = 40
    least_patience: int = 2 * MILLISECOND
    most_patience: int = 500 * MILLISECOND
    first_patience: int = 100 * MILLISECOND


class Send(NamedTuple):
    """Send the cells of an inference's inputs, but those whose bits are set in ``has``."""

    inference: int
    attempt: int
    has: bytes = b""


class Ask(NamedTuple):
    """Ask for the answer's cells that are missing."""

    inference: int
    attempt: int


class Fail(NamedTuple):
    """The inference was asked for as often as it may."""

    inference: int


class Look(NamedTuple):
    """The fabric refuses: look whether the network has moved to another epoch."""


Action = Union[Send, Ask, Fail, Look]


@dataclass
class _Flight:
    started: int
    asked: int
    attempt: int = 0


class Window:
    """``first`` is the number of the first inference; of one client each is larger than those before it,
    modulo 2^32."""

    def __init__(self, limits: Limits, first: int) -> None:
        self.limits = limits
        self._flights: dict[int, _Flight] = {}
        self._smoothed: int | None = None
        self._deviation = 0
        self._most = min(limits.window, limits.slots)
        self._allowed = float(self._most)
        self._next = first % _NUMBERS

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, inference: int) -> bool:
        return inference in self._flights

    @property
    def has_room(self) -> bool:
        """Whether another inference may be started now. The slots of those on their way are theirs."""
        if len(self._flights) >= max(int(self._allowed), 1):
            return False
        return all((self._next - number) % _NUMBERS < self.limits.slots for number in self._flights)

    def start(self, now: int) -> Send:
        """Starts the next inference."""
        number = self._next
        self._next = (number + 1) % _NUMBERS
        self._flights[number] = _Flight(now, now)
        return Send(number, 0)

    def attempts(self, inference: int) -> int:
        """How often an inference was tried, from 1."""
        return self._flights[inference].attempt + 1

    def finish(self, inference: int, now: int) -> int:
        """An answer is whole. Returns how long it took."""
        flight = self._flights.pop(inference)
        if flight.attempt == 0:
            self._learn(now - flight.started)
        self._allowed = min(self._allowed + 1 / max(self._allowed, 1), float(self._most))
        return now - flight.started

    def _learn(self, time: int) -> None:
        """RFC 6298, section 2; what was sent again says nothing (Karn's rule)."""
        if self._smoothed is None:
            self._smoothed, self._deviation = time, time // 2
            return
        self._deviation = (self._deviation * 3 + abs(self._smoothed - time)) // 4
        self._smoothed = (self._smoothed * 7 + time) // 8

    def patience(self, attempt: int) -> int:
        """How long an inference of so many repetitions waits before it asks again."""
        limits = self.limits
        usual = limits.first_patience
        if self._smoothed is not None:
            # Twice the time is not yet a loss: others compute on the same processors.
            usual = max(self._smoothed + self._deviation * 4, self._smoothed * 2)
            usual = min(max(usual, limits.least_patience), limits.most_patience)
        return min(usual << min(attempt, _DOUBLINGS), limits.most_patience)

    def hear(self, inference: int, now: int) -> None:
        """Something of an inference came: it goes on."""
        self._flights[inference].asked = now

    @property
    def deadline(self) -> int | None:
        """When to look again; None: nothing is on its way."""
        flights = self._flights.values()
        return min((flight.asked + self.patience(flight.attempt) for flight in flights), default=None)

    def expire(self, now: int) -> list[Action]:
        """What is to be done for those whose time is up."""
        actions: list[Action] = []
        for inference, flight in list(self._flights.items()):
            if flight.asked + self.patience(flight.attempt) > now:
                continue
            if flight.attempt + 1 >= self.limits.attempts:
                del self._flights[inference]
                actions.append(Fail(inference))
                continue
            flight.attempt += 1
            flight.asked = now
            actions.append(Ask(inference, flight.attempt))
        if actions:
            self._allowed = max(self._allowed / 2, 1)
        return actions

    def restart(self, now: int) -> list[Action]:
        """Starts all over, under numbers as they are: the network has moved to another epoch."""
        actions: list[Action] = []
        for inference, flight in self._flights.items():
            flight.asked = now
            flight.attempt = min(flight.attempt + 1, ATTEMPT_LIMIT)
            actions.append(Send(inference, flight.attempt))
        return actions
