"""A network function in Python: the mean of all payload bytes, of what passes by.

    python3 -m medulla.nf brightness:Brightness /run/medulla/nf/CHAIN.sock FUNCTION
"""

from __future__ import annotations

import medulla.nf


class Brightness(medulla.nf.Function):
    def __init__(self, port: medulla.nf.Port) -> None:
        super().__init__(port)
        self.total = self.count = self.frames = 0

    def receive(self, batch: medulla.nf.Batch) -> None:
        for number in range(len(batch)):
            payload = batch.payload(number)
            self.total += int(payload.sum())
            self.count += len(payload)
        self.frames += len(batch)
        self.port.next(batch)

    def look(self) -> None:
        self.port.count("frames", self.frames)
        self.port.count("payload_bytes", self.count)
        self.port.count("mean", self.total // max(self.count, 1))
