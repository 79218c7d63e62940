"""Frames: a JSON header and raw little-endian arrays, each message of the adapter protocol.

On the wire: header length and payload length as unsigned 32-bit little-endian integers, the header, the
payload. The header's ``tensors`` lists name, type and shape of the arrays in the payload, in their order.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

HEADER_LIMIT = 1 << 20
PAYLOAD_LIMIT = 1 << 28
TENSOR_LIMIT = 1 << 14
RANK_LIMIT = 8

_TYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "uint64": np.dtype("<u8"), "uint8": np.dtype("u1")}
_PREFIX = struct.Struct("<II")


class FrameError(ValueError):
    """Bytes that are no frame, or a frame over its limits."""


@dataclass
class Frame:
    """One message: the header's fields without ``tensors``, and the tensors by name."""

    fields: dict[str, Any]
    tensors: dict[str, np.ndarray] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The bytes of the frame.

        float32 and uint8 arrays and unsigned 64-bit ones go as they are; other floating types become float32.
        """
        entries = []
        parts = []
        for name, value in self.tensors.items():
            array = np.asarray(value)
            if array.dtype == np.uint8:
                kind = "uint8"
            elif array.dtype == np.uint64:
                kind = "uint64"
            elif np.issubdtype(array.dtype, np.floating) or array.size == 0:
                kind = "float32"
            else:
                raise FrameError(f"tensor {name} has type {array.dtype}, not float32, uint64 or uint8")
            parts.append(np.ascontiguousarray(array, dtype=_TYPES[kind]).tobytes())
            entries.append({"name": name, "shape": list(array.shape), "type": kind})
        header = dict(self.fields)
        if entries:
            header["tensors"] = entries
        try:
            text = json.dumps(
                header, allow_nan=False, ensure_ascii=False, separators=(",", ":"), sort_keys=True
            ).encode()
        except ValueError as error:
            raise FrameError(f"the header is no JSON: {error}") from error
        payload = b"".join(parts)
        if len(text) > HEADER_LIMIT:
            raise FrameError(f"a header of {len(text)} bytes; at most {HEADER_LIMIT} are allowed")
        if len(payload) > PAYLOAD_LIMIT:
            raise FrameError(f"a payload of {len(payload)} bytes; at most {PAYLOAD_LIMIT} are allowed")
        return _PREFIX.pack(len(text), len(payload)) + text + payload

    @staticmethod
    def decode(header: bytes, payload: bytes) -> Frame:
        """The frame of a header and a payload."""
        try:
            fields = json.loads(header)
        except (ValueError, RecursionError) as error:
            raise FrameError(f"the header is no JSON: {error}") from error
        if not isinstance(fields, dict):
            raise FrameError("the header is JSON, but not an object")
        entries = fields.pop("tensors", [])
        if not isinstance(entries, list) or len(entries) > TENSOR_LIMIT:
            raise FrameError(f"`tensors` is no list of at most {TENSOR_LIMIT}")
        tensors: dict[str, np.ndarray] = {}
        offset = 0
        for entry in entries:
            name, dtype, shape = _describe(entry)
            length = math.prod(shape) * dtype.itemsize
            if length > len(payload) - offset:
                raise FrameError(f"tensor {name} of shape {shape} does not fit in {len(payload)} bytes")
            flat = np.frombuffer(payload, dtype, count=math.prod(shape), offset=offset)
            tensors[name] = flat.reshape(shape)
            offset += length
        if offset != len(payload):
            raise FrameError(f"{len(payload) - offset} bytes of the payload are no tensor's")
        return Frame(fields, tensors)


def _describe(entry: Any) -> tuple[str, np.dtype, list[int]]:
    if not isinstance(entry, Mapping):
        raise FrameError("a tensor's description is no object")
    name, kind, shape = entry.get("name"), entry.get("type"), entry.get("shape")
    if not isinstance(name, str) or kind not in _TYPES or not isinstance(shape, list):
        raise FrameError(f"a tensor needs `name`, `type` ({', '.join(_TYPES)}) and `shape`")
    if len(shape) > RANK_LIMIT or not all(
        isinstance(size, int) and not isinstance(size, bool) and size >= 0 for size in shape
    ):
        raise FrameError(f"tensor {name} has a shape that is none: {shape}")
    return name, _TYPES[kind], shape


def read_frame(read: Callable[[int], bytes]) -> Frame | None:
    """Reads one frame; None when the other side has closed between two frames.

    ``read(n)`` gives at most ``n`` bytes, and none at the end, as a socket's ``recv`` does.
    """
    prefix = _take(read, _PREFIX.size, may_end=True)
    if prefix is None:
        return None
    header_length, payload_length = _PREFIX.unpack(prefix)
    if header_length > HEADER_LIMIT:
        raise FrameError(f"a header of {header_length} bytes; at most {HEADER_LIMIT} are allowed")
    if payload_length > PAYLOAD_LIMIT:
        raise FrameError(f"a payload of {payload_length} bytes; at most {PAYLOAD_LIMIT} are allowed")
    body = _take(read, header_length + payload_length)
    assert body is not None
    return Frame.decode(body[:header_length], body[header_length:])


def _take(read: Callable[[int], bytes], count: int, may_end: bool = False) -> bytes | None:
    first = read(min(count, 1 << 20)) if count else b""
    if len(first) == count:
        return first
    if not first and may_end:
        return None
    data = bytearray(first)
    while len(data) < count:
        piece = read(min(count - len(data), 1 << 20))
        if not piece:
            raise FrameError(f"the stream ended {len(data)} bytes into a frame")
        data += piece
    return bytes(data)
