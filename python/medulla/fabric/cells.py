"""The header of a fabric's cells (docs/reference/fabric-header.md)."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np

ETHERTYPE = 0x88B5
VERSION = 1
LINK_BYTES = 14
HEADER_BYTES = 48
CELL_LIMIT = 1514
#: Cells of one layer's inputs; a missing cell has a bit for each.
CHUNK_LIMIT = 1024
HOP_LIMIT = 64
MASK_BYTES = CHUNK_LIMIT // 8

#: Types of cells.
DATA, ANSWER, MISSING, REFUSAL = 1, 2, 3, 4

#: Where the fields lie that differ between the frames of one client.
INFERENCE_PLACE, ATTEMPT_PLACE, CHECKSUM_PLACE, CLIENT_PLACE = 24, 34, 36, 22

_HEADER = struct.Struct(">12xHBBHHHHIHHHBBHHQ")
assert _HEADER.size == HEADER_BYTES


class Cell(NamedTuple):
    """A header's fields in the order of their bytes."""

    type: int
    model: int
    epoch: int
    label: int
    client: int
    inference: int = 0
    chunk: int = 0
    chunks: int = 1
    length: int = 0
    attempt: int = 0
    hops: int = HOP_LIMIT
    time: int = 0


def write(cell: Cell) -> bytes:
    """48 bytes: a header to everyone on the link, since switches go by labels alone; without a checksum."""
    head = _HEADER.pack(
        ETHERTYPE, VERSION << 4 | cell.type, cell.hops, cell.model, cell.epoch, cell.label, cell.client,
        cell.inference, cell.chunk, cell.chunks, cell.length, cell.attempt, 0, 0, 0, cell.time)
    return b"\xff" * 6 + head[6:]


def read(frame: bytes) -> tuple[Cell, bytes] | None:
    """A frame's header and the bytes of its payload that mean something; None when it is no cell: of another
    protocol or version, cut short, with a field that cannot be, or damaged."""
    if len(frame) < HEADER_BYTES:
        return None
    (protocol, kind, hops, model, epoch, label, client, inference, chunk, chunks, length, attempt, zero,
     given, zeros, time) = _HEADER.unpack_from(frame)
    if protocol != ETHERTYPE or kind >> 4 != VERSION or zero or zeros:
        return None
    if not DATA <= kind & 15 <= REFUSAL or hops > HOP_LIMIT or not chunk < chunks <= CHUNK_LIMIT:
        return None
    if length > len(frame) - HEADER_BYTES or (given and given != checksum(frame)):
        return None
    cell = Cell(
        kind & 15, model, epoch, label, client, inference, chunk, chunks, length, attempt, hops, time)
    return cell, bytes(frame[HEADER_BYTES:HEADER_BYTES + length])


def checksum(frame: bytes) -> int:
    """RFC 1071's over what follows the link's header, as if the checksum were 0; never 0."""
    behind = bytes(frame[LINK_BYTES:CHECKSUM_PLACE]) + bytes(frame[CHECKSUM_PLACE + 2:])
    words = np.frombuffer(behind + bytes(len(behind) % 2), ">u2")
    total = int(words.sum(dtype=np.uint64))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF
