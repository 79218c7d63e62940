"""Cells, frames and descriptions of a fabric, against the documented bytes."""

from __future__ import annotations

import fcntl
import json
import struct

import numpy as np
import pytest
from fabric_fakes import INPUTS, PAYLOAD, described, written

from medulla.fabric import FabricError, cells, description
from medulla.fabric.cells import Cell
from medulla.fabric.frames import InputFrames, activations, features, fixed_point
from medulla.fabric.seat import RESERVE, Seat

CELL = Cell(
    cells.ANSWER, model=0x0102, epoch=0x0304, label=0x0506, client=0x0708, inference=0x090A0B0C, chunk=0x000D,
    chunks=0x000E, length=4, attempt=0x12, hops=0x13, time=0x1415161718191A1B)


def test_a_header_has_the_documented_bytes() -> None:
    frame = cells.write(CELL)
    expected = (
        b"\xff" * 6 + bytes(6) + b"\x88\xb5" + b"\x12\x13"
        + b"\x01\x02" + b"\x03\x04" + b"\x05\x06" + b"\x07\x08"
        + b"\x09\x0a\x0b\x0c" + b"\x00\x0d" + b"\x00\x0e" + b"\x00\x04" + b"\x12" + bytes(5)
        + b"\x14\x15\x16\x17\x18\x19\x1a\x1b")
    assert frame == expected and len(frame) == 48
    assert cells.read(frame + b"abcd" + bytes(9)) == (CELL, b"abcd")


@pytest.mark.parametrize("place, value", [
    (12, 0x08), (14, 0x22), (14, 0x10), (14, 0x15), (15, 65), (29, 0x0E), (31, 0), (30, 0x10), (33, 14),
    (35, 1),
    (38, 1), (39, 1), (37, 1),
])
def test_what_cannot_be_is_no_cell(place: int, value: int) -> None:
    frame = bytearray(cells.write(CELL) + b"abcd" + bytes(9))
    frame[place] = value
    assert cells.read(bytes(frame)) is None


def test_every_cut_of_a_header_is_no_cell() -> None:
    frame = cells.write(CELL) + b"abcd"
    assert cells.read(frame) is not None
    assert all(cells.read(frame[:count]) is None for count in range(len(frame)))


def test_a_given_checksum_finds_every_flipped_bit() -> None:
    frame = bytearray(cells.write(CELL) + bytes(range(13)))
    frame[36:38] = struct.pack(">H", cells.checksum(frame))
    assert cells.read(bytes(frame)) is not None
    for bit in range(8 * 14, 8 * len(frame)):
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << bit % 8
        if damaged[36:38] != b"\0\0":
            assert cells.read(bytes(damaged)) is None, bit


def test_a_checksum_is_never_zero() -> None:
    # Words that sum to 0xffff: their complement would be 0.
    frame = bytearray(48)
    frame[14:16] = b"\xff\xff"
    assert cells.checksum(frame) == 0xFFFF


def test_random_bytes_are_read_or_refused() -> None:
    generator = np.random.default_rng(3)
    good = cells.write(CELL) + bytes(40)
    for _ in range(5_000):
        frame = bytearray(good)
        for place in generator.integers(12, len(frame), 3):
            frame[place] = generator.integers(256)
        read = cells.read(bytes(frame[:generator.integers(12, len(frame))]))
        assert read is None or len(read[1]) == read[0].length


@pytest.mark.parametrize("value, fraction_bits, fixed", [
    (0.5, 0, 1), (-0.5, 0, -1), (1.5, 0, 2), (2.5, 0, 3), (-2.5, 0, -3), (0.49999999999999994, 0, 0),
    (0.25, 2, 1),
    (0.1, 16, 6554), (1e30, 8, 2**63 - 1), (-1e30, 8, -(2**63)), (2.0**62, 1, 2**63 - 1),
    (-(2.0**62), 1, -(2**63)),
    (0, 10, 0),
])
def test_numbers_become_fixed_point(value: float, fraction_bits: int, fixed: int) -> None:
    assert fixed_point(np.array([[value]]), fraction_bits).tolist() == [[fixed]]


def test_features_are_cut_to_their_range_also_at_the_ends_of_int64() -> None:
    least, most = -(2**63), 2**63 - 1
    wide = described(features=written()["features"] | {"width": [most] * INPUTS})
    rows = np.zeros((6, INPUTS), np.int64)
    rows[:, 0] = [least, -101, -100, 100, 101, most]
    assert activations(rows, described())[:, 0].tolist() == [-100, -100, -100, 100, 100, 100]
    assert activations(rows[:4], wide)[:, 0].tolist() == [-100, -100, -100, 100]


def test_frames_have_the_features_of_their_cells() -> None:
    frames = InputFrames(described(), client=9)
    row = np.arange(INPUTS) % 201 - 100
    made = frames.frames(frames.enter(row[None, :].astype(np.float32))[0], 0x01020304, 5)
    assert made.shape == (3, 48 + PAYLOAD) and made.dtype == np.uint8
    for number, (frame, places) in enumerate(zip(made, written()["inputCells"], strict=True)):
        cell, payload = cells.read(frame.tobytes())
        assert cell == Cell(
            cells.DATA, 3, 1, 0, 9, 0x01020304, chunk=number, chunks=3, length=len(places), attempt=5)
        assert np.frombuffer(payload, np.int8).tolist() == row[places].tolist()
        assert not frame[48 + len(places):].any()


@pytest.mark.parametrize("has, sent", [
    (b"", [0, 1, 2]), (b"\0", [0, 1, 2]), (b"\x02", [0, 2]), (b"\xff" * 128, [])])
def test_cells_that_have_come_are_not_sent_again(has: bytes, sent: list[int]) -> None:
    made = InputFrames(described(), 0).frames(np.zeros(INPUTS, np.int64), 1, 0, has)
    assert [cells.read(frame.tobytes())[0].chunk for frame in made] == sent


def test_activations_of_two_bytes_are_little_endian() -> None:
    wide = described(elementBytes=2, payloadBytes=512)
    made = InputFrames(wide, 0).frames(np.full(INPUTS, -2, np.int64), 1, 0)
    cell, payload = cells.read(made[0].tobytes())
    assert cell.length == 256 and payload == b"\xfe\xff" * 128


def test_a_question_goes_to_the_last_layer_with_a_bit_for_each_cell_that_came() -> None:
    frame = InputFrames(described(), 9).question(77, 6, bytes([0b101]) + bytes(127))
    cell, payload = cells.read(frame[0].tobytes())
    assert frame.shape == (1, 48 + PAYLOAD)
    assert cell == Cell(cells.MISSING, 3, 1, 4, 9, 77, length=128, attempt=6)
    assert payload == b"\x05" + bytes(127)


@pytest.mark.parametrize("values, message", [
    (np.zeros((2, 7)), r"shape \[2, 7\].*\[n, 300\]"), (np.zeros(()), "shape"), (np.zeros(7), "shape"),
    ([["a"] * 300], "not of numbers"), ([[1, 2], [3]], "no array"),
    (np.zeros((1, 300), complex), "not of numbers"),
    (np.full((2, 300), np.nan), "row 0.*NaN"), (np.full((1, 300), 1e300), "more than float32"),
    (np.zeros((1, 300), bool), "not of numbers"),
])
def test_inputs_that_are_none_are_told(values: object, message: str) -> None:
    with pytest.raises(FabricError, match=message) as caught:
        features(values, INPUTS)
    assert caught.value.code == "bad-input"


@pytest.mark.parametrize("values, rows", [
    (np.zeros(300), 1), (np.zeros((4, 300)), 4), (np.zeros((2, 3, 10, 10), np.uint8), 2),
    (np.zeros((0, 300)), 0),
])
def test_inputs_of_any_shape_that_has_their_features_are_rows(values: np.ndarray, rows: int) -> None:
    assert features(values, INPUTS).shape == (rows, INPUTS)


@pytest.mark.parametrize("changes, error", [
    ({"version": 1}, "version"), ({"slots": 0}, "room"), ({"payloadBytes": 64}, "cells of 64 bytes"),
    ({"payloadBytes": 1500}, "cells of 1500"), ({"elementBytes": 3}, "activations of 3"),
    ({"inputs": 299}, "other features"), ({"outputs": 21}, "21 outputs once"),
    ({"inputCells": [list(range(300))]}, "too large"), ({"answerCells": []}, "0 cells"),
    ({"answerCells": [[0] * 16, [1, 2, 3, 4]]}, "20 outputs once"), ({"inputs": "many"}, "many"),
    ({"features": {}}, "it has no 'shift'|it has no 'low'"),
])
def test_a_description_that_leads_nowhere_is_told(changes: dict, error: str, tmp_path) -> None:
    (tmp_path / "client.json").write_text(json.dumps(written(**changes)))
    with pytest.raises(FabricError, match=error) as caught:
        description.read_description(description.Model("net", 3, 1, tmp_path))
    assert caught.value.code == "system" and caught.value.remedy


@pytest.mark.parametrize("unit, integers, labels", [
    (None, [[1, 3, 3], [5, -1, 2]], [1, 0]), (4, [[8], [0]], [2, 0]), (0, [[3], [1]], [3, 1]),
])
def test_labels_are_what_argmax_gave_or_the_first_of_the_largest(unit, integers, labels) -> None:
    from dataclasses import replace

    assert replace(described(), label_unit=unit).labels(np.array(integers)).tolist() == labels


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 33, "ü"])
def test_what_cannot_name_a_fabric_is_told(name: str) -> None:
    with pytest.raises(FabricError, match="cannot name a fabric"):
        description.read_state(name)


def test_a_fabric_that_does_not_run_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(description, "RUN_FOLDER", tmp_path)
    with pytest.raises(FabricError, match=r"there is no fabric none \(`medulla fabric up PLAN` starts one\)"):
        description.read_state("none")
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "state.json").write_text('{"stateVersion": 2')
    with pytest.raises(FabricError, match="there is no fabric cut: "):
        description.read_state("cut")


def test_seats_are_held_once_and_numbers_go_on(tmp_path) -> None:
    first, second = Seat(tmp_path, 2), Seat(tmp_path, 2)
    assert (first.number, second.number) == (0, 1)
    with pytest.raises(FabricError, match="takes no more") as caught:
        Seat(tmp_path, 2)
    assert caught.value.code == "no-seat"
    assert [first.take(3), first.take(1)] == [1, 4]
    assert (tmp_path / "client0").read_text() == f"{1 + RESERVE}\n"
    first.close()
    again = Seat(tmp_path, 2)
    assert again.number == 0 and again.take(1) == 1 + RESERVE
    assert again.is_current and sorted(path.name for path in tmp_path.iterdir()) == [
        "client0", "client0.lock", "client1.lock"]
    (tmp_path / "client0.lock").unlink()
    assert not again.is_current


@pytest.mark.parametrize("text, first", [
    ("7\n", 7), ("", 1), ("-3", 1), ("x", 1), (str(2**32), 1), (str(2**32 - 2), 2**32 - 2)])
def test_numbers_begin_where_the_file_says_and_wrap(text: str, first: int, tmp_path) -> None:
    (tmp_path / "client0").write_text(text)
    seat = Seat(tmp_path, 1)
    assert seat.take(4) == first
    assert seat.take(1) == (first + 4) % 2**32
    assert int((tmp_path / "client0").read_text()) == (first + RESERVE) % 2**32


def test_a_lock_of_another_program_is_respected(tmp_path) -> None:
    with (tmp_path / "client0.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert Seat(tmp_path, 2).number == 1
