"""Frames as a function gets them: NumPy views on packet memory, without copies."""

from __future__ import annotations

from typing import Union

import numpy as np

#: ``struct medulla_nf_frame``: the first byte's place in packet memory, the frame's bytes, the rule of the
#: demultiplexer that it came by, and when it was received (CLOCK_MONOTONIC; 0: not taken).
FRAME = np.dtype(
    [("bytes", np.uint64), ("place", np.uint64), ("length", np.uint32), ("rule", np.uint32),
     ("nanoseconds", np.uint64)])

_VLAN = (0x8100, 0x88A8)
_TRANSPORTS = (6, 17)
#: Bytes of the headers of plain UDP over IPv4; and those in which any header that is read ends.
_PLAIN, _HEAD = 42, 150


class Batch:
    """Some frames. Their bytes stay until each is returned; the batch may be kept as long."""

    __slots__ = ("_bounds", "_places", "frames", "memory")

    def __init__(self, frames: np.ndarray, memory: np.ndarray) -> None:
        self.frames = frames
        self.memory = memory
        self._places: tuple[list[int], list[int]] | None = None
        self._bounds: tuple[list[int], list[int]] | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, which: Union[int, slice, np.ndarray, list[int]]) -> Batch:
        """Some of these frames: by a number, a slice, numbers, or a mask."""
        return Batch(np.atleast_1d(self.frames[which]), self.memory)

    @property
    def lengths(self) -> np.ndarray:
        """Bytes of each frame."""
        return self.frames["length"]

    @property
    def rules(self) -> np.ndarray:
        """The number of the rule that each frame came by."""
        return self.frames["rule"]

    @property
    def nanoseconds(self) -> np.ndarray:
        """When each frame was received."""
        return self.frames["nanoseconds"]

    def frame(self, number: int) -> np.ndarray:
        """A frame's bytes from the link header on, of uint8; not to be used once it was returned."""
        # Numbers of a list are read several times as fast as those of an array.
        if self._places is None:
            starts = self.frames["place"]
            self._places = starts.tolist(), (starts + self.frames["length"]).tolist()
        starts, ends = self._places
        return self.memory[starts[number]:ends[number]]

    def payload(self, number: int) -> np.ndarray:
        """What follows a frame's header of UDP or TCP; empty where it has none, or is a later fragment."""
        if self._bounds is None:
            self._bounds = self._find_payloads()
        starts, ends = self._bounds
        return self.memory[starts[number]:ends[number]]

    def _find_payloads(self) -> tuple[list[int], list[int]]:
        """Of all frames at once, since most are plain: UDP over IPv4 without tags or options."""
        places, lengths = self.frames["place"].astype(np.int64), self.frames["length"].astype(np.int64)
        # The headers alone are copied.
        heads = self.memory[np.minimum(places[:, None] + np.arange(_PLAIN), len(self.memory) - 1)]
        is_plain = (lengths >= _PLAIN) & (heads[:, 12] == 8) & (heads[:, 13] == 0) & (heads[:, 14] == 0x45)
        is_plain &= (heads[:, 23] == 17) & (heads[:, 20] & 0x1F == 0) & (heads[:, 21] == 0)
        ends = 14 + heads[:, 16].astype(np.int64) * 256 + heads[:, 17]
        starts = np.where(is_plain, _PLAIN, 0)
        ends = np.where(is_plain, np.clip(ends, _PLAIN, lengths), 0)
        for number in np.flatnonzero(~is_plain):
            start, end = _payload(bytes(self.frame(number)[:_HEAD]))
            starts[number], ends[number] = start, min(end, lengths[number])
        return (places + starts).tolist(), (places + ends).tolist()


def _payload(head: bytes) -> tuple[int, int]:
    """The first byte of the payload and the one behind its last; (0, 0): there is none."""
    at = 12
    while len(head) >= at + 4 and int.from_bytes(head[at:at + 2], "big") in _VLAN:
        at += 4
    kind, at = int.from_bytes(head[at:at + 2], "big"), at + 2
    if kind == 0x0800 and len(head) >= at + 20 and head[at] >> 4 == 4:
        end = at + int.from_bytes(head[at + 2:at + 4], "big")
        transport, is_later = head[at + 9], int.from_bytes(head[at + 6:at + 8], "big") & 0x1FFF
        at += (head[at] & 15) * 4
    elif kind == 0x86DD and len(head) >= at + 40 and head[at] >> 4 == 6:
        end = at + 40 + int.from_bytes(head[at + 4:at + 6], "big")
        transport, is_later = head[at + 6], 0
        at += 40
    else:
        return 0, 0
    if transport not in _TRANSPORTS or is_later or len(head) < at + 8:
        return 0, 0
    if transport == 17:
        return at + 8, max(end, at + 8)
    if len(head) < at + 13:
        return 0, 0
    start = at + (head[at + 12] >> 4) * 4
    return start, max(end, start)
