"""A client's way into a fabric: frames out and in."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import socket
import struct
import threading
from pathlib import Path

import numpy as np

from medulla.fabric.cells import CELL_LIMIT, CLIENT_PLACE, ETHERTYPE
from medulla.fabric.errors import SYSTEM, FabricError

INTERFACE = "fabric"
_NAMESPACES = Path("/run/netns")
#: Frames that are taken in before time is looked at again.
BATCH = 64
_RECEIVE_BUFFER_BYTES = 16 << 20
_SEND_BUFFER_BYTES = 8 << 20

# <linux/if_packet.h>, <asm-generic/socket.h> and <linux/sched.h>, for what Python has no names for.
_PACKET_QDISC_BYPASS, _PACKET_IGNORE_OUTGOING, _SOL_PACKET = 20, 23, 263
_SO_ATTACH_FILTER, _SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 26, 32, 33
_CLONE_NEWNET = 0x40000000


class Port:
    """A packet socket at the interface ``fabric`` in the clients' namespace. Raises FabricError without root,
    and when the namespace is gone."""

    def __init__(self, fabric: str, client: int) -> None:
        self._fabric = fabric
        try:
            self._socket = _opened_in(_NAMESPACES / f"medulla-fabric-{fabric}-clients", client)
        except PermissionError as error:
            raise self._failed("open a socket at", error, "run it as root") from error
        except OSError as error:
            raise self._failed("open a socket at", error, "`medulla fabric up PLAN` starts one") from error
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def _failed(self, what: str, error: OSError, remedy: str) -> FabricError:
        return FabricError(
            SYSTEM, f"cannot {what} the fabric {self._fabric}", cause=error.strerror or str(error),
            remedy=remedy)

    def send(self, frames: np.ndarray) -> None:
        """Sends frames ``[n, bytes]``. Those that find no room are lost, like any others."""
        try:
            for frame in frames:
                self._socket.send(frame.data)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                return
            raise self._failed(
                "send cells to", error, "it may have ended: `medulla fabric status`") from error

    def receive(self) -> list[bytes]:
        """The frames that are there, at most ``BATCH``."""
        frames: list[bytes] = []
        try:
            while len(frames) < BATCH:
                frames.append(self._socket.recv(CELL_LIMIT))
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            raise self._failed(
                "receive cells of", error, "it may have ended: `medulla fabric status`") from error
        return frames

    def wait(self, nanoseconds: int) -> None:
        """Until a frame is there, at most so long."""
        self._poll.poll(max(nanoseconds, 0) / 1e6)

    def close(self) -> None:
        self._socket.close()


def _opened_in(namespace: Path, client: int) -> socket.socket:
    """A socket of another network namespace. The thread that enters it does nothing else: the caller's stays
    where it is, whatever fails."""
    made: list[socket.socket] = []
    failure: list[OSError] = []

    def work() -> None:
        try:
            with namespace.open("rb") as there:
                library = ctypes.CDLL(None, use_errno=True)
                if library.setns(there.fileno(), _CLONE_NEWNET):
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number))
            made.append(_opened(client))
        except OSError as error:
            failure.append(error)

    thread = threading.Thread(target=work, name="medulla-fabric-port")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return made[0]


def _opened(client: int) -> socket.socket:
    # Without a protocol nothing comes in before the filter is there.
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        code, instructions = _filter(client)
        program = struct.pack("HP", instructions, ctypes.addressof(code))
        made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        made.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        made.setsockopt(_SOL_PACKET, _PACKET_QDISC_BYPASS, 1)
        made.bind((INTERFACE, ETHERTYPE))
        # Smaller buffers than wanted lose frames, which are asked for again.
        for forced, plain, size in (
            (_SO_RCVBUFFORCE, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES),
            (_SO_SNDBUFFORCE, socket.SO_SNDBUF, _SEND_BUFFER_BYTES),
        ):
            try:
                made.setsockopt(socket.SOL_SOCKET, forced, size)
            except OSError:
                made.setsockopt(socket.SOL_SOCKET, plain, size)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


def _filter(client: int) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """A classic BPF program (<linux/filter.h>) that lets cells of one client through, whole, and how many
    instructions it has."""
    load, equal, give = 0x28, 0x15, 0x06
    code = [
        (load, 0, 0, 12), (equal, 0, 3, ETHERTYPE),
        (load, 0, 0, CLIENT_PLACE), (equal, 0, 1, client),
        (give, 0, 0, 0xFFFF), (give, 0, 0, 0),
    ]
    packed = b"".join(struct.pack("HBBI", *instruction) for instruction in code)
    return ctypes.create_string_buffer(packed, len(packed)), len(code)
