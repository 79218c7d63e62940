"""A chain's host for tests, without a kernel's program: it makes the memory, and gives and takes frames by
the rings."""

from __future__ import annotations

import mmap
import os
import socket
import struct

import numpy as np

FRAME_BYTES, FRAMES, ENTRIES, PAGE = 2048, 128, 64, 4096
STAMP, START = 230, 262
_RING = PAGE  # 64 entries of 8 bytes, behind 128 bytes of indices, in whole pages
_RELEASED = 56


class Host:
    def __init__(self, path: str, flags: int = 4, parameters: bytes = b'{"window": 3}') -> None:
        self.path, self.flags, self.parameters = path, flags, parameters
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen()
        self.memory_fd = self._memory("packets", FRAME_BYTES * FRAMES)
        self.rings_fd = self._memory("rings", PAGE + 2 * _RING)
        self.memory = np.frombuffer(mmap.mmap(self.memory_fd, FRAME_BYTES * FRAMES), np.uint8)
        self.rings = mmap.mmap(self.rings_fd, PAGE + 2 * _RING)
        self.given = self.taken = self.used = 0

    @staticmethod
    def _memory(name: str, count: int) -> int:
        descriptor = os.memfd_create(name)
        os.ftruncate(descriptor, count)
        return descriptor

    def greet(self) -> None:
        """Answers the next function's hello, and takes its word that it begins."""
        self.channel, _ = self.listener.accept()
        magic, version, name = struct.unpack("<II32s", self.channel.recv(100))
        assert (magic, version) == (0x4D4E4648, 1)
        self.name = name.rstrip(b"\0")
        welcome = struct.pack(
            "<4I2Q10I32s32s", 0x4D4E4657, 1, self.flags, 1, FRAME_BYTES * FRAMES, PAGE + 2 * _RING,
            FRAME_BYTES, FRAMES, ENTRIES, 0, 0, ENTRIES, 2, STAMP, 0, len(self.parameters),
            b"images", self.name)
        welcome += b"".join(name.ljust(32, b"\0") for name in [b"second", b"eth1"] + [b""] * 6)
        socket.send_fds(self.channel, [welcome + self.parameters], [self.memory_fd, self.rings_fd])

    def begin(self) -> None:
        magic, version, process = struct.unpack("<IIq", self.channel.recv(100))
        assert (magic, version, process) == (0x4D4E4641, 1, os.getpid())

    def give(self, frame: bytes, rule: int = 0, nanoseconds: int = 0) -> int:
        """Puts a frame into memory and its descriptor into the function's ring; its place."""
        place = self.used % FRAMES * FRAME_BYTES + START
        self.used += 1
        self.memory[place:place + len(frame)] = np.frombuffer(frame, np.uint8)
        stamp = place - START + STAMP
        self.memory[stamp:stamp + 32] = np.frombuffer(
            struct.pack("<QQIIII", nanoseconds, 1, 0, 1, rule, len(frame)), np.uint8)
        entry = PAGE + 128 + self.given % ENTRIES * 8
        self.rings[entry:entry + 8] = struct.pack("<Q", place | len(frame) << 40)
        self.given += 1
        self.rings[PAGE:PAGE + 4] = struct.pack("<I", self.given)
        return place

    def take(self) -> list[tuple[int, int, int]]:
        """What came back: place, length and verdict of each frame."""
        ring = PAGE + _RING
        produced = struct.unpack_from("<I", self.rings, ring)[0]
        found = []
        while self.taken < produced:
            word = struct.unpack_from("<Q", self.rings, ring + 128 + self.taken % ENTRIES * 8)[0]
            found.append((word & (1 << 40) - 1, word >> 40 & 0xFFFF, word >> _RELEASED))
            self.taken += 1
        self.rings[ring + 64:ring + 68] = struct.pack("<I", self.taken)
        return found

    def counters(self) -> dict[str, int]:
        entries = [struct.unpack_from("<24sQ", self.rings, 64 + index * 32) for index in range(32)]
        return {name.rstrip(b"\0").decode(): value for name, value in entries if name[0]}

    def end(self) -> None:
        self.channel.close()
        self.listener.close()
        os.unlink(self.path)
        os.close(self.memory_fd)
        os.close(self.rings_fd)
