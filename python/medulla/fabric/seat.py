"""One of a fabric's client numbers, held by a lock file that Swift's clients take too."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from medulla.fabric.errors import NO_SEAT, SYSTEM, FabricError

#: Numbers that are kept aside at once, so that a client that is killed has not given one twice.
RESERVE = 1 << 16
_NUMBERS = 1 << 32
_TEXT_LIMIT = 32


class Seat:
    """A number for as long as it is not closed, and where its inferences begin: behind those of whoever had
    the number before. One thread at a time.

    ``client<N>.lock`` in the fabric's folder is locked (flock); ``client<N>`` says which inference number the
    next holder begins with. Raises FabricError when as many clients as the fabric takes are there.
    """

    def __init__(self, folder: Path, clients: int) -> None:
        for number in range(clients):
            lock = _lock(folder / f"client{number}.lock")
            if lock is None:
                continue
            self.number, self._lock = number, lock
            self._path = folder / f"client{number}"
            self._next = self._kept = _first(self._path)
            return
        raise FabricError(
            NO_SEAT, f"{clients} clients are at the fabric {folder.name}, and it takes no more",
            remedy="wait for one of them, or give `medulla fabric up` more (--clients)")

    def take(self, count: int) -> int:
        """Where the next ``count`` inferences begin. Raises FabricError where that cannot be written down."""
        first = self._next
        behind = (first + count) % _NUMBERS
        kept = self._kept
        while (kept - behind) % _NUMBERS >= _NUMBERS // 2:
            kept = (kept + RESERVE) % _NUMBERS
        if kept != self._kept:
            self._write(kept)
        self._next, self._kept = behind, kept
        return first

    def _write(self, kept: int) -> None:
        new = self._path.with_name(f".{self._path.name}.new")
        try:
            new.write_text(f"{kept}\n")
            new.replace(self._path)
        except OSError as error:
            raise FabricError(
                SYSTEM, f"{self._path} cannot be written", cause=error.strerror or str(error),
                remedy="the fabric may have ended: `medulla fabric status`") from error

    @property
    def is_current(self) -> bool:
        """Whether the lock's file is still that of a running fabric: one started anew has another."""
        try:
            there = self._path.with_name(self._path.name + ".lock").stat()
        except OSError:
            return False
        own = os.fstat(self._lock)
        return (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)

    def close(self) -> None:
        """Gives the number back."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _lock(path: Path) -> int | None:
    """A descriptor that holds the lock; None: somebody else has it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise FabricError(
            SYSTEM, f"{path} cannot be opened", cause=error.strerror or str(error),
            remedy="clients of a fabric run as root") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise FabricError(SYSTEM, f"{path} cannot be locked", cause=error.strerror or str(error)) from error
    return descriptor


def _first(path: Path) -> int:
    try:
        with path.open() as file:
            number = int(file.read(_TEXT_LIMIT))
    except (OSError, ValueError):
        return 1
    return number if 0 <= number < _NUMBERS else 1
