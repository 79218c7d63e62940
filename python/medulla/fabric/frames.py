"""Features as a network takes them, and the frames that carry them."""

from __future__ import annotations

import numpy as np

from medulla.fabric import cells
from medulla.fabric.cells import HEADER_BYTES, MASK_BYTES, Cell
from medulla.fabric.description import Description
from medulla.fabric.errors import BAD_INPUT, FabricError

_LARGEST = 2.0**63


def features(values: object, inputs: int) -> np.ndarray:
    """Rows of features ``[n, inputs]`` of float32, which is what the datapath's tools read; one row may come
    without its first dimension. Raises FabricError for another shape or type, NaN and infinity."""
    try:
        given = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise FabricError(BAD_INPUT, "the input is no array of numbers", cause=str(error)) from error
    if given.dtype.kind not in "fiu":
        raise FabricError(BAD_INPUT, f"the input is of {given.dtype}, not of numbers")
    with np.errstate(over="ignore"):
        rows = given.astype(np.float32)
    if rows.ndim == 1:
        rows = rows[None, :]
    if rows.ndim < 2 or int(np.prod(rows.shape[1:])) != inputs:
        raise FabricError(
            BAD_INPUT, f"the input has the shape {list(given.shape)}, and the network takes [n, {inputs}]")
    rows = rows.reshape(len(rows), inputs)
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise FabricError(
            BAD_INPUT, f"row {bad[0]} of the input has NaN, infinity, or more than float32 holds")
    return rows


def fixed_point(rows: np.ndarray, fraction_bits: int) -> np.ndarray:
    """Numbers as int64 fixed point: rounded to nearest, halves away from zero, cut to 64 bits."""
    scaled = np.ldexp(rows.astype(np.float64), fraction_bits)
    whole = np.trunc(scaled)
    whole += np.where(np.abs(scaled - whole) >= 0.5, np.sign(scaled), 0)
    inside = np.abs(whole) < _LARGEST
    cut = np.where(whole < 0, np.iinfo(np.int64).min, np.iinfo(np.int64).max)
    return np.where(inside, np.where(inside, whole, 0).astype(np.int64), cut)


def activations(fixed: np.ndarray, description: Description) -> np.ndarray:
    """Fixed-point features ``[n, inputs]`` as the network's first activations: cut to each feature's range,
    scaled, and shifted. The distance is taken modulo 2^64, so that every 64-bit feature is cut correctly."""
    with np.errstate(over="ignore"):
        distance = fixed - description.low
        outside = distance.view(np.uint64) > description.width.view(np.uint64)
        edge = np.where(fixed < description.low, 0, description.width)
        distance = np.where(outside, edge, distance)
        return (distance * description.multiplier + description.bias) >> description.shift


class InputFrames:
    """An inference's inputs as frames: where the bytes of each activation go is worked out once.

    ``client`` is the number that the client holds.
    """

    def __init__(self, description: Description, client: int) -> None:
        self.description, self.client = description, client
        parts, size = description.input_cells, description.element_bytes
        self._template = np.zeros((len(parts), description.cell_bytes), np.uint8)
        places = []
        for number, part in enumerate(parts):
            head = self._header(cells.DATA, 0)._replace(
                chunk=number, chunks=len(parts), length=part.size * size)
            self._template[number, :HEADER_BYTES] = np.frombuffer(cells.write(head), np.uint8)
            places.append(number * description.cell_bytes + HEADER_BYTES + np.arange(part.size * size))
        self._order = np.concatenate(parts)
        self._places = np.concatenate(places)

    def _header(self, kind: int, label: int) -> Cell:
        return Cell(kind, self.description.model, self.description.epoch, label, self.client)

    def enter(self, rows: np.ndarray) -> np.ndarray:
        """Activations ``[n, inputs]``, int64, of rows of features."""
        return activations(fixed_point(rows, self.description.fraction_bits), self.description)

    def frames(self, entered: np.ndarray, inference: int, attempt: int, has: bytes = b"") -> np.ndarray:
        """The frames ``[cells, bytes]``, uint8, of one row of activations, without those whose bits are set
        in ``has``: the lowest bit of its first byte is that of cell 0."""
        frames = self._template.copy()
        words = entered[self._order].astype("<i8").view(np.uint8).reshape(-1, 8)
        frames.reshape(-1)[self._places] = words[:, :self.description.element_bytes].reshape(-1)
        place = cells.INFERENCE_PLACE
        frames[:, place:place + 4] = np.frombuffer(inference.to_bytes(4, "big"), np.uint8)
        frames[:, cells.ATTEMPT_PLACE] = attempt
        if not has:
            return frames
        mask = np.frombuffer(has[:MASK_BYTES].ljust(MASK_BYTES, b"\0"), np.uint8)
        bits = np.unpackbits(mask, bitorder="little")
        return frames[bits[:len(frames)] == 0]

    def question(self, inference: int, attempt: int, has: bytes) -> np.ndarray:
        """The frame ``[1, bytes]`` that asks the last layer for the answer's cells whose bits are not set in
        ``has``."""
        head = self._header(cells.MISSING, self.description.stages - 1)._replace(
            inference=inference, attempt=attempt, length=MASK_BYTES)
        frame = cells.write(head) + has.ljust(self.description.payload_bytes, b"\0")
        return np.frombuffer(frame, np.uint8)[None, :]
