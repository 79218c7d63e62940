"""Frames: what goes in comes out, and nothing else gets in."""

import json
import struct

import numpy as np
import pytest

from medulla.frames import HEADER_LIMIT, Frame, FrameError, read_frame


def reader(data: bytes, piece: int = 1 << 20):
    position = 0

    def read(count: int) -> bytes:
        nonlocal position
        part = data[position : position + min(count, piece)]
        position += len(part)
        return part

    return read


@pytest.mark.parametrize("piece", [1, 3, 7, 1 << 20])
def test_a_frame_comes_back_from_any_pieces(piece: int) -> None:
    sent = Frame(
        {"request": "adapt", "id": 7, "text": 'ä"\n'},
        {
            "features": np.array([[1.5, -2], [0, 3]], np.float32), "flow": np.array([2**64 - 1, 0], np.uint64),
            "onnx": np.arange(5, dtype=np.uint8), "empty": np.zeros((0, 8), np.float32),
        },
    )
    got = read_frame(reader(sent.encode(), piece))
    assert got is not None and got.fields == sent.fields and list(got.tensors) == list(sent.tensors)
    for name, value in sent.tensors.items():
        assert got.tensors[name].dtype == value.dtype and np.array_equal(got.tensors[name], value)


def test_the_end_between_frames_is_no_error() -> None:
    assert read_frame(reader(b"")) is None


def raw(header: object, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", len(text), len(payload)) + text + payload


def tensor(**changes: object) -> dict:
    return {"name": "x", "type": "float32", "shape": [1], **changes}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\1\2", "2 bytes into"),
        (raw({})[:-1], "into a frame"),
        (struct.pack("<II", HEADER_LIMIT + 1, 0), "a header of"),
        (struct.pack("<II", 2, 2**32 - 1), "a payload of"),
        (raw(b"{"), "no JSON"),
        (raw(b"[" * 100_000), "no JSON"),
        (raw([]), "not an object"),
        (raw({}, b"1234"), "no tensor's"),
        (raw({"tensors": 3}), "no list"),
        (raw({"tensors": [3]}), "no object"),
        (raw({"tensors": [tensor(type="int8")]}, b"1"), "needs"),
        (raw({"tensors": [tensor(shape=[-1])]}, b"1234"), "shape that is none"),
        (raw({"tensors": [tensor(shape=[1.5])]}, b"1234"), "shape that is none"),
        (raw({"tensors": [tensor(shape=[True])]}, b"1234"), "shape that is none"),
        (raw({"tensors": [tensor(shape=[1] * 9)]}, b"1234"), "shape that is none"),
        (raw({"tensors": [tensor(shape=[2**40, 2**40])]}, b"1234"), "does not fit"),
        (raw({"tensors": [tensor(), tensor()]}, b"1234"), "does not fit"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(FrameError, match=says):
        read_frame(reader(data))


def test_a_header_cannot_say_nan() -> None:
    with pytest.raises(FrameError, match="no JSON"):
        Frame({"stability": float("nan")}).encode()


def test_integers_do_not_become_floats_by_themselves() -> None:
    with pytest.raises(FrameError, match="type int64"):
        Frame({}, {"x": np.array([2**53 + 1])}).encode()
