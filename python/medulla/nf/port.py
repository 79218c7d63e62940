"""A network function's side of its chain."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import time
from collections.abc import Iterator
from typing import Any, Union

import numpy as np

from medulla.nf.batch import FRAME, Batch
from medulla.nf.library import Welcome, load

#: What becomes of a frame: it is done with, it goes on to what follows in the chain's file, or, from BRANCH
#: on, to the function's branches in the file's order.
RELEASE, NEXT, BRANCH = 0, 1, 2
BATCH = 64
_ABSENCE = 0.02

Frames = Union[Batch, np.ndarray]


class AttachError(OSError):
    """The chain's host is not there, has no such function for this user, or is of another version."""


class HostGone(Exception):
    """The chain has ended, or its host has ended this function. What was held is lost."""


class _Attachment:
    """What one host gave. Views on its memory keep it mapped."""

    def __init__(self, path: str | None, function: str | None) -> None:
        self.library = load()
        made = ctypes.c_void_p()
        encoded = [None if text is None else text.encode() for text in (path, function)]
        status = self.library.medulla_nf_attach(*encoded, ctypes.byref(made))
        if status < 0:
            place = f"the host at {path}" if path else "the host that started this process"
            raise AttachError(-status, f"{place}: {os.strerror(-status)}", path)
        self.handle: int | None = made.value
        self.mapping = _Mapping(self.library, self.handle)
        self.welcome: Welcome = self.library.medulla_nf_welcome(made).contents
        self.parameters: dict[str, Any] = json.loads(self.library.medulla_nf_parameters(made) or b"{}")
        bytes_ = ctypes.c_uint64()
        start = self.library.medulla_nf_memory(made, ctypes.byref(bytes_))
        self.memory = self._view(start, bytes_.value, False)
        writable = self.library.medulla_nf_writable_memory(made)
        self.writable = self._view(writable, bytes_.value, True) if writable else None

    def _view(self, start: int, count: int, is_writable: bool) -> np.ndarray:
        mapped = (ctypes.c_uint8 * count).from_address(start)
        mapped.owner = self.mapping
        bytes_ = memoryview(mapped)
        return np.frombuffer(bytes_ if is_writable else bytes_.toreadonly(), np.uint8)


class _Mapping:
    """Unmapped with the last view on it."""

    def __init__(self, library: ctypes.CDLL, handle: int | None) -> None:
        self.detach, self.handle = library.medulla_nf_detach, handle

    def __del__(self) -> None:
        self.detach(self.handle)


class Port:
    """Frames of a chain, in batches::

        port = medulla.nf.attach("/run/medulla/nf/images.sock", "count")
        for batch in port:
            for number in range(len(batch)):
                total += int(batch.payload(number).sum())
            port.release(batch)

    The loop ends with the chain. One thread at a time.
    """

    def __init__(
        self, path: str | None = None, function: str | None = None, reattaching: float = 0,
        wait: float = 0.01,
    ) -> None:
        self.path, self.function = path, function
        #: So many seconds a loop waits for another host where its own has gone.
        self.reattaching = reattaching
        #: So many seconds it waits for frames before it gives an empty batch.
        self.wait = wait
        #: Frames that were received and lost, because the host went before they were returned.
        self.lost = 0
        #: How often another host was found.
        self.restarts = 0
        self._received = np.zeros(BATCH, FRAME)
        self._place = self._received.ctypes.data
        self._verdicts = {verdict: np.full(BATCH, verdict, np.uint8) for verdict in (RELEASE, NEXT)}
        self._take(_Attachment(path, function))

    def _take(self, attachment: _Attachment) -> None:
        self._attachment = attachment
        self._library, self._handle = attachment.library, attachment.handle
        welcome = attachment.welcome
        self.name, self.chain = welcome.function.decode(), welcome.chain.decode()
        #: The function's own parameters in the chain's file.
        self.parameters = attachment.parameters
        #: Frames that it may hold.
        self.quota = int(welcome.quota)
        #: What its branches lead to.
        self.branches = [welcome.branch[index].value.decode() for index in range(welcome.branches)]
        #: All of packet memory, which may only be read.
        self.memory = attachment.memory
        #: The same for writing; None: the chain's file does not let this function.
        self.writable_memory = attachment.writable

    @property
    def held(self) -> int:
        """Frames that were received and not returned."""
        return int(self._library.medulla_nf_held(self._handle))

    def receive(self, most: int = BATCH, wait: float = 0.01) -> Batch:
        """Up to ``most`` frames; waits for the first for so many seconds. Raises HostGone."""
        count = self._library.medulla_nf_receive(
            self._handle, self._place, min(most, BATCH), int(wait * 1e9))
        if count < 0:
            self._fail(count)
        return Batch(self._received[:count].copy(), self.memory)

    def release(self, frames: Frames) -> None:
        """These frames are done with."""
        self._give(frames, RELEASE)

    def next(self, frames: Frames) -> None:
        """These frames go on to what follows in the chain."""
        self._give(frames, NEXT)

    def branch(self, frames: Frames, number: int) -> None:
        """These frames go to a branch."""
        self.give(frames, np.full(len(frames), BRANCH + number, np.uint8))

    def _give(self, frames: Frames, verdict: int) -> None:
        few = len(frames) <= BATCH
        self.give(frames, self._verdicts[verdict] if few else np.full(len(frames), verdict, np.uint8))

    def give(self, frames: Frames, verdicts: np.ndarray) -> None:
        """Returns frames, each by its verdict. Each must be returned once. Raises HostGone."""
        entries = frames.frames if isinstance(frames, Batch) else frames
        if entries.dtype != FRAME:
            raise TypeError(f"frames have the type {FRAME}, not {entries.dtype}")
        verdicts = np.ascontiguousarray(verdicts, np.uint8)
        if len(verdicts) < len(entries):
            raise ValueError(f"{len(entries)} frames and {len(verdicts)} verdicts")
        entries = np.ascontiguousarray(entries)
        status = self._library.medulla_nf_return_batch(
            self._handle, entries.ctypes.data, len(entries), verdicts.ctypes.data)
        if status < 0:
            self._fail(status)

    def flush(self) -> None:
        """Tells the host at once of what was returned; ``receive`` does too."""
        status = self._library.medulla_nf_flush(self._handle)
        if status < 0:
            self._fail(status)

    def count(self, name: str, value: int) -> None:
        """Publishes a count for ``medulla nf stats``; names have at most 23 letters, digits and _."""
        if self._library.medulla_nf_count(self._handle, name.encode(), value) < 0:
            raise ValueError(f"there is no room for the count {name}")

    def _fail(self, status: int) -> None:
        if status == -errno.EPIPE:
            raise HostGone(f"the host of {self.chain} has gone, or has ended {self.name}")
        if status == -errno.EOVERFLOW:
            raise ValueError("more frames were returned than received")
        if status == -errno.EINVAL:
            raise ValueError("a frame was returned with a verdict or a length that cannot be")
        raise OSError(-status, f"frames of {self.chain}: {os.strerror(-status)}")

    def reattach(self, patience: float) -> None:
        """Attaches to the next host at the path, within so many seconds. Raises AttachError."""
        deadline = time.monotonic() + patience
        while True:
            try:
                if self.path is None:
                    raise AttachError(errno.ENOTCONN, "the next host starts a function of its own")
                attachment = _Attachment(self.path, self.function)
            except AttachError:
                if self.path is None or time.monotonic() >= deadline:
                    raise
                time.sleep(_ABSENCE)
                continue
            self.lost += self.held
            self.restarts += 1
            self._take(attachment)
            self.count("lost", self.lost)
            return

    def __iter__(self) -> Iterator[Batch]:
        """Batches until the chain ends; an empty one where none came for ``wait`` seconds."""
        while True:
            try:
                yield self.receive(wait=self.wait)
            except HostGone:
                if self.reattaching <= 0 or self.path is None:
                    return
                try:
                    self.reattach(self.reattaching)
                except AttachError:
                    return

    def close(self) -> None:
        """Ends the attachment: the host takes back what is held. Views stay valid."""
        self._library.medulla_nf_end(self._handle)

    def __enter__(self) -> Port:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
