"""A fabric for tests without a kernel: its files, and a port behind which a network answers, loses cells and
moves to another epoch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from medulla.fabric import cells
from medulla.fabric.cells import Cell
from medulla.fabric.client import FabricAnswers
from medulla.fabric.description import Description, parse_description
from medulla.fabric.gateway import Network

INPUTS, OUTPUTS, PAYLOAD = 300, 20, 128


def written(fraction_bits: int = 0, **changes: Any) -> dict[str, Any]:
    """``client.json`` of a network of 300 inputs, which enter as they are, -100 to 100, and 20 outputs."""
    found = {
        "version": 2, "name": "net", "model": 3, "slots": 4, "clients": 2, "stages": 5,
        "payloadBytes": PAYLOAD, "elementBytes": 1, "inputs": INPUTS, "outputs": OUTPUTS,
        "features": {
            "low": [-100] * INPUTS, "width": [200] * INPUTS, "multiplier": [1] * INPUTS,
            "bias": [-100] * INPUTS,
            "shift": 0, "fractionBits": 0},
        "inputCells": [list(range(0, 128)), list(range(299, 171, -1)), list(range(128, 172))],
        "answerCells": [list(range(4, 20)), list(range(0, 4))], "outputFractionBits": fraction_bits,
    }
    return found | changes


def described(epoch: int = 1, **changes: Any) -> Description:
    return parse_description(written(**changes), epoch)


class FakeFabric:
    """``put`` writes a fabric's files to ``root``; ``port`` is a client's. Output number ``o`` of a network
    is the sum of the inputs, and ``o`` and the epoch times 1000 more."""

    def __init__(self, root: Path, clients: int = 2) -> None:
        self.root, self.clients = root, clients
        self.now = 0
        self.put(1)

    def look_at_clock(self) -> int:
        """Nanoseconds, each time one more than the last; to wait takes no time, but the clock goes on."""
        self.now += 1
        return self.now

    def put(self, epoch: int, **changes: Any) -> None:
        self.epoch = epoch
        plan = self.root / "fake" / f"model3-{epoch}"
        plan.mkdir(parents=True, exist_ok=True)
        (plan / "client.json").write_text(json.dumps(written(clients=self.clients, **changes)))
        state = {
            "stateVersion": 2, "fabric": "fake", "datapath": "kernel",
            "room": {"slots": 4, "clients": self.clients, "processors": 1},
            "models": [{"name": "net", "number": 3, "epoch": epoch, "plan": str(plan)}]}
        (self.root / "fake" / "state.json").write_text(json.dumps(state))

    def port(self, loss: float = 0, seed: int = 1) -> FakePort:
        return FakePort(self, loss, seed)


class FakePort:
    def __init__(self, fabric: FakeFabric, loss: float, seed: int) -> None:
        self.fabric, self.loss = fabric, loss
        self.generator = np.random.default_rng(seed)
        self.waiting: list[bytes] = []
        self.sent: list[Cell] = []
        self.taken: dict[tuple[int, int], dict[int, bytes]] = {}

    def send(self, frames: np.ndarray) -> None:
        for frame in frames:
            read = cells.read(frame.tobytes())
            assert read is not None and len(frame) == cells.HEADER_BYTES + PAYLOAD
            self.sent.append(read[0])
            if self.generator.random() >= self.loss:
                self._take(*read)

    def _take(self, cell: Cell, payload: bytes) -> None:
        if cell.epoch != self.fabric.epoch:
            self._give(cell._replace(type=cells.REFUSAL, chunk=0, chunks=1, length=0), b"")
            return
        came = self.taken.setdefault((cell.epoch, cell.inference), {})
        has = np.zeros(cells.CHUNK_LIMIT, np.uint8)
        if cell.type == cells.DATA:
            came[cell.chunk] = payload
        elif len(came) == 3:
            has = np.unpackbits(np.frombuffer(payload, np.uint8), bitorder="little")
        else:
            has[list(came)] = 1
            asked = np.packbits(has, bitorder="little").tobytes()
            self._give(cell._replace(label=5, chunks=1, length=len(asked)), asked)
        if len(came) == 3:
            total = int(sum(np.frombuffer(part, np.int8).sum(dtype=np.int64) for part in came.values()))
            outputs = total + np.arange(OUTPUTS) + 1000 * cell.epoch
            for number, places in enumerate(written()["answerCells"]):
                if not has[number]:
                    part = outputs[places].astype("<i8").tobytes()
                    self._give(cell._replace(
                        type=cells.ANSWER, label=5, chunk=number, chunks=2, length=len(part)), part)

    def _give(self, cell: Cell, payload: bytes) -> None:
        if self.generator.random() >= self.loss:
            self.waiting.append(cells.write(cell) + payload.ljust(PAYLOAD, b"\0"))

    def receive(self) -> list[bytes]:
        came, self.waiting = self.waiting[:64], self.waiting[64:]
        return came

    def wait(self, nanoseconds: int) -> None:
        self.fabric.now += max(nanoseconds, 0)

    def close(self) -> None:
        pass


class FakeSource:
    """A gateway's source: networks ``net`` and ``other`` of 3 inputs and 2 outputs, the inputs' sum and twice
    that. ``failure`` is raised by every inference."""

    name = "fake"

    def __init__(self) -> None:
        self.opened: list[FakeClient] = []
        self.failure: Exception | None = None
        self.epoch = 7

    def networks(self) -> list[str]:
        return ["net", "other"]

    def network(self, name: str) -> Network:
        from medulla.fabric.errors import UNKNOWN_MODEL, FabricError

        if name not in self.networks():
            raise FabricError(UNKNOWN_MODEL, f"the fabric fake has no network {name}")
        return Network(name, self.epoch, 3, 2)

    def open(self, name: str) -> FakeClient:
        self.opened.append(FakeClient(self, name))
        return self.opened[-1]


class FakeClient:
    def __init__(self, source: FakeSource, model: str) -> None:
        self.source, self.model = source, model
        self.is_current, self.is_closed = True, False
        self.description = described(source.epoch)
        self.before_answering = lambda: None

    def infer(self, array: object) -> FabricAnswers:
        self.before_answering()
        if self.source.failure is not None:
            raise self.source.failure
        sums = np.asarray(array, np.float64).sum(axis=1)
        outputs = np.stack([sums, 2 * sums], axis=1)
        ones = np.ones(len(sums), np.int64)
        return FabricAnswers(outputs, outputs.astype(np.int64), outputs.argmax(axis=1), ones * 1.0, ones)

    def close(self) -> None:
        self.is_closed = True
