"""The C library that attaches to chains, by ctypes."""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

NAME = "libmedulla_nf.so"
#: Names the library where it does not lie beside the medulla program.
VARIABLE = "MEDULLA_NF_LIBRARY"
NAME_BYTES = 32
BRANCHES = 8


class Frame(ctypes.Structure):
    """``struct medulla_nf_frame``."""

    _fields_ = [
        ("bytes", ctypes.c_void_p), ("place", ctypes.c_uint64), ("length", ctypes.c_uint32),
        ("rule", ctypes.c_uint32), ("nanoseconds", ctypes.c_uint64),
    ]


class Welcome(ctypes.Structure):
    """``struct nf_welcome``."""

    _fields_ = [
        *[(name, ctypes.c_uint32) for name in ("magic", "version", "flags", "mode")],
        *[(name, ctypes.c_uint64) for name in ("memory_bytes", "rings_bytes")],
        *[(name, ctypes.c_uint32) for name in (
            "frame_bytes", "frames", "ring_entries", "receive_entries", "queues", "quota", "branches",
            "stamp_offset", "reserved", "parameter_bytes")],
        ("chain", ctypes.c_char * NAME_BYTES), ("function", ctypes.c_char * NAME_BYTES),
        ("branch", (ctypes.c_char * NAME_BYTES) * BRANCHES),
    ]


def _candidates() -> Iterator[str]:
    named = os.environ.get(VARIABLE)
    if named:
        yield named
        return
    program = shutil.which("medulla")
    if program:
        folder = Path(program).resolve().parent
        for place in (folder / NAME, folder.parent / "lib" / NAME):
            if place.exists():
                yield str(place)
    yield NAME


@functools.cache
def load() -> ctypes.CDLL:
    """The library: that of ``MEDULLA_NF_LIBRARY``, one beside the medulla program, or the system's."""
    tried = list(_candidates())
    for place in tried:
        try:
            library = ctypes.CDLL(place)
        except OSError:
            continue
        _declare(library)
        return library
    raise ImportError(
        f"there is no {NAME} (tried {', '.join(tried)}): `make build` puts it into bin/, `make install` "
        f"beside the programs; or name it by {VARIABLE}")


def _declare(library: ctypes.CDLL) -> None:
    pointer, number = ctypes.c_void_p, ctypes.c_int
    for name, result, arguments in (
        ("attach", number, (ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(pointer))),
        ("welcome", ctypes.POINTER(Welcome), (pointer,)),
        ("parameters", ctypes.c_char_p, (pointer,)),
        ("memory", pointer, (pointer, ctypes.POINTER(ctypes.c_uint64))),
        ("writable_memory", pointer, (pointer,)),
        ("receive", number, (pointer, pointer, number, ctypes.c_int64)),
        ("return_batch", number, (pointer, pointer, number, pointer)),
        ("flush", number, (pointer,)),
        ("held", ctypes.c_uint64, (pointer,)),
        ("count", number, (pointer, ctypes.c_char_p, ctypes.c_uint64)),
        ("end", None, (pointer,)),
        ("detach", None, (pointer,)),
    ):
        function = getattr(library, f"medulla_nf_{name}")
        function.restype, function.argtypes = result, arguments
