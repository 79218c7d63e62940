"""What a fabric's client decides: tables of times, and whole calls against a fabric that loses cells."""

from __future__ import annotations

import numpy as np
import pytest
from fabric_fakes import INPUTS, OUTPUTS, FakeFabric, described

from medulla.fabric import FabricClient, FabricError, cells, client, description
from medulla.fabric.cells import Cell
from medulla.fabric.exchange import Exchange
from medulla.fabric.window import MILLISECOND, Ask, Fail, Limits, Look, Send, Window

MS = MILLISECOND


def learned(*times_ms: float) -> Window:
    """A window that has seen answers after so many milliseconds."""
    window = Window(Limits(window=4, slots=4), 1)
    for time in times_ms:
        window.finish(window.start(0).inference, int(time * MS))
    return window


@pytest.mark.parametrize("times_ms, attempt, patience_ms", [
    # Without an answer 100 ms; then the smoothed time and four deviations (RFC 6298), or twice the time.
    ([], 0, 100), ([], 1, 200), ([], 3, 500), ([10], 0, 30), ([10], 1, 60), ([10], 2, 120), ([10], 8, 500),
    ([10], 200, 500), ([0.1], 0, 2), ([400], 0, 500), ([10, 10], 0, 25), ([10] * 30, 0, 20),
    ([10, 18], 0, 11 + 4 * 5.75),
])
def test_patience_follows_the_times_of_answers(times_ms, attempt, patience_ms) -> None:
    assert learned(*times_ms).patience(attempt) == pytest.approx(patience_ms * MS, rel=1e-3)


def test_what_was_asked_for_again_says_nothing_of_time() -> None:
    window = learned(10)
    number = window.start(0).inference
    assert window.expire(30 * MS) == [Ask(number, 1)]
    assert window.attempts(number) == 2
    window.finish(number, 400 * MS)
    assert window.patience(0) == 30 * MS


def test_an_inference_is_asked_for_at_growing_distances_and_then_fails() -> None:
    window = Window(Limits(attempts=5), 9)
    window.start(0)
    now, actions = 0, []
    while window.deadline is not None:
        assert window.expire(window.deadline - 1) == []
        now = window.deadline
        actions += [(now // MS, *window.expire(now))]
    assert actions == [
        (100, Ask(9, 1)), (300, Ask(9, 2)), (700, Ask(9, 3)), (1200, Ask(9, 4)), (1700, Fail(9))]
    assert len(window) == 0


def test_hearing_of_an_inference_gives_it_time() -> None:
    window = Window(Limits(), 1)
    window.start(0)
    window.hear(1, 90 * MS)
    assert window.expire(189 * MS) == [] and window.expire(190 * MS) == [Ask(1, 1)]


def room(window: Window) -> int:
    """How many can be started now; they are."""
    count = 0
    while window.has_room:
        window.start(0)
        count += 1
    return count


def test_a_loss_halves_the_window_and_answers_widen_it() -> None:
    window = Window(Limits(window=8, slots=64), 1)
    assert room(window) == 8
    window.expire(100 * MS)
    sizes = []
    for number in range(1, 25):
        window.finish(number, 100 * MS)
        room(window)
        sizes.append(len(window))
    # 4 when four of eight are answered, and one more with about each window of answers.
    assert sizes[:5] == [7, 6, 5, 4, 5] and sorted(sizes[3:]) == sizes[3:] and sizes[-1] == 8
    for _ in range(5):
        window.expire(window.deadline)
    for number in list(window._flights):
        window.finish(number, 0)
    assert window.has_room


@pytest.mark.parametrize("first", [1, 2**32 - 2])
def test_a_slot_is_not_taken_before_it_is_free(first: int) -> None:
    window = Window(Limits(window=9, slots=4), first)
    numbers = [window.start(0).inference for _ in range(4)]
    assert numbers == [(first + step) % 2**32 for step in range(4)] and not window.has_room
    for number in numbers[1:]:
        window.finish(number, MS)
    # The next number has the slot of the first, which is still on its way.
    assert not window.has_room
    window.finish(numbers[0], MS)
    assert window.has_room


def test_another_epoch_starts_all_over_under_the_same_numbers() -> None:
    window = Window(Limits(window=3, slots=4), 5)
    for _ in range(3):
        window.start(0)
    window.finish(6, MS)
    assert window.restart(50 * MS) == [Send(5, 1), Send(7, 1)]
    assert window.deadline > 50 * MS and 6 not in window


def begun(count: int = 1) -> Exchange:
    exchange = Exchange(described(), 1, count, Limits(window=2, slots=4), first=10)
    assert exchange.start(0) == [Send(10 + number, 0) for number in range(min(count, 2))]
    return exchange


def answer(number: int, **changes: int) -> tuple[Cell, bytes]:
    places = [16, 4][number]
    cell = Cell(cells.ANSWER, 3, 1, 5, 1, 10, chunk=number, chunks=2, length=places * 8)
    return cell._replace(**changes), np.full(places, 100 + number, "<i8").tobytes()


def test_an_answer_is_whole_with_its_last_cell() -> None:
    exchange = begun()
    for chunk in (1, 1, 0):
        assert not exchange.is_done
        assert exchange.take(*answer(chunk), 3 * MS) == []
    assert exchange.is_done and exchange.counts.foreign == 0
    assert exchange.integers.tolist() == [[101] * 4 + [100] * 16]
    assert (exchange.nanoseconds.tolist(), exchange.attempts.tolist()) == ([3 * MS], [1])


@pytest.mark.parametrize("changes", [
    {"model": 4}, {"client": 0}, {"inference": 9}, {"inference": 11}, {"epoch": 0}, {"chunks": 3},
    {"type": cells.DATA}, {"chunk": 1}, {"epoch": 2, "type": cells.MISSING},
])
def test_cells_that_are_not_for_it_are_counted_and_no_more(changes: dict) -> None:
    exchange = begun()
    cell, payload = answer(0, **changes)
    assert exchange.take(cell, payload, MS) == [] and exchange.counts.foreign == 1
    assert exchange.has(10) == bytes(128)


def test_a_late_answer_is_foreign() -> None:
    exchange = begun()
    for chunk in (0, 1, 1):
        exchange.take(*answer(chunk), MS)
    assert exchange.is_done and exchange.counts.foreign == 1


def test_who_lacks_inputs_gets_them_and_a_refusal_is_looked_into() -> None:
    exchange = begun()
    missing = answer(0, type=cells.MISSING, chunk=0, chunks=1)[0]
    assert exchange.take(missing, b"\x05", MS) == [Send(10, 1, b"\x05")]
    assert exchange.window.deadline == 101 * MS and exchange.counts.sent_again == 1
    assert exchange.take(missing._replace(type=cells.REFUSAL, epoch=0), b"", MS) == [Look()]


def test_rows_keep_the_scale_of_the_epoch_that_answered_them() -> None:
    exchange = begun(2)
    for chunk in (0, 1):
        exchange.take(*answer(chunk), MS)
    exchange.take(*answer(0, inference=11), MS)
    assert exchange.move(described(2, outputFractionBits=1), MS) == [Send(11, 1)]
    assert exchange.has(11) == bytes(128)
    assert exchange.take(*answer(1, inference=11), MS) == [] and not exchange.is_done
    for chunk in (0, 1):
        exchange.take(*answer(chunk, inference=11, epoch=2), MS)
    outputs, labels = exchange.results()
    assert exchange.is_done and outputs[:, -1].tolist() == [100, 50] and labels.tolist() == [0, 0]


@pytest.fixture
def fabric(tmp_path, monkeypatch) -> FakeFabric:
    monkeypatch.setattr(description, "RUN_FOLDER", tmp_path)
    made = FakeFabric(tmp_path)
    monkeypatch.setattr(client, "Port", lambda name, number: made.port())
    monkeypatch.setattr(client, "_now", made.look_at_clock)
    return made


def rows(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(-100, 101, (count, INPUTS))


def expected(values: np.ndarray, epoch: int = 1) -> np.ndarray:
    return values.sum(axis=1)[:, None] + np.arange(OUTPUTS) + 1000 * epoch


@pytest.mark.parametrize("loss", [0, 0.05, 0.3])
@pytest.mark.parametrize("window", [None, 1])
def test_answers_come_whatever_is_lost(fabric: FakeFabric, loss: float, window: int | None) -> None:
    values = rows(60)
    with FabricClient("fake", window=window) as asking:
        asking._port.loss = loss
        answers = asking.infer(values)
    assert np.array_equal(answers.outputs, expected(values)) and len(answers) == 60
    assert np.array_equal(answers.integers, answers.outputs)
    assert (answers.labels == OUTPUTS - 1).all() and (answers.microseconds > 0).all()
    assert (answers.attempts.max() == 1) == (loss == 0)


def test_a_call_goes_on_in_the_next_epoch(fabric: FakeFabric) -> None:
    values = rows(12)
    with FabricClient("fake", "net") as asking:
        assert np.array_equal(asking.infer(values).outputs, expected(values))
        fabric.put(2, fraction_bits=1)
        answers = asking.infer(values)
        assert np.array_equal(answers.outputs, expected(values, 2) / 2)
        assert asking.description.epoch == 2 and answers.attempts.max() == 2
        fabric.put(3, outputs=10, answerCells=[list(range(10))])
        with pytest.raises(FabricError, match="another shape"):
            asking.infer(values)


def test_a_fabric_that_does_not_answer_is_told_and_asked_only_so_often(fabric: FakeFabric) -> None:
    with FabricClient("fake") as asking:
        asking._port.loss = 1
        with pytest.raises(FabricError, match="no answer to row 0.*medulla fabric status") as caught:
            asking.infer(rows(1))
        assert caught.value.code == "no-answer" and asking.counts.asked == 39
        asking._port.loss = 0
        assert np.array_equal(asking.infer(rows(5)).outputs, expected(rows(5)))


def test_a_refusal_without_another_epoch_ends_too(fabric: FakeFabric) -> None:
    with FabricClient("fake") as asking:
        fabric.epoch = 2
        with pytest.raises(FabricError, match="no answer"):
            asking.infer(rows(1))
        assert asking.counts.refused > 30


def test_what_a_client_cannot_be_is_told(fabric: FakeFabric) -> None:
    for arguments, message in (
        ({"model": "none"}, "has no network none .it has net"), ({"window": 5}, "window of 5.*1 to 4"),
        ({"window": 0}, "window of 0"),
    ):
        with pytest.raises(FabricError, match=message):
            FabricClient("fake", **arguments)
    with FabricClient("fake") as one, FabricClient("fake") as two:
        assert (one.number, two.number, one.largest_window) == (0, 1, 4)
        with pytest.raises(FabricError, match="takes no more"):
            FabricClient("fake")
    with FabricClient("fake") as again:
        assert again.number == 0 and len(again.infer(np.zeros((0, INPUTS)))) == 0
        again.close()
