"""What adapters and labelers have in common: a class by its name, and its answers over the daemon's channel.

The daemon starts the program with a connected Unix stream socket, whose number is in ``MEDULLA_ADAPTER_FD``.
Prints of the class go to the daemon's log. An exception in the class is answered with its traceback.
"""

from __future__ import annotations

import argparse
import importlib
import os
import select
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from medulla.frames import Frame, FrameError, read_frame

PROTOCOL = 1
CHANNEL = "MEDULLA_ADAPTER_FD"


class ContractError(Exception):
    """The class does not keep the contract."""


def load(name: str, base: type, error: type[ContractError] = ContractError) -> type:
    """The class ``module:Class``, which is a ``base``; modules of the working directory are found too."""
    module_name, _, class_name = name.partition(":")
    if not module_name or not class_name:
        raise error(f"{name!r} is not of the form module:Class")
    if "" not in sys.path:
        sys.path.insert(0, "")
    found = getattr(importlib.import_module(module_name), class_name, None)
    if not isinstance(found, type):
        raise error(f"{module_name} has no class {class_name}")
    if not issubclass(found, base):
        raise error(f"{name} is no medulla.{base.__name__}")
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        raise error(f"{name} has no {', '.join(missing)}")
    return found


class Responder:
    """Answers requests, whatever happens in the class that it asks."""

    #: Has a ``report``, once the class has been made.
    greeting: Any = None

    def dispatch(self, request: Frame, report: Any) -> Frame:
        """The answer's fields and tensors."""
        raise NotImplementedError

    def answer(self, request: Frame, report: Any = None) -> Frame:
        """The final answer to a request."""
        identifier = request.fields.get("id")
        try:
            answer = self.dispatch(request, report)
            answer.fields |= {"answer": "ok", "id": identifier}
            answer.encode()  # What cannot be said is the class's error too.
            return answer
        except Exception as error:  # noqa: BLE001 - any exception of the class is to be told.
            message = f"{type(error).__name__}: {error}"
            text = traceback.format_exc()
            return Frame({"answer": "error", "id": identifier, "message": message[:4096], "traceback": text[-65536:]})


def serve(responder: Responder, channel: socket.socket) -> int:
    """Answers until the daemon closes; the exit status."""
    while (request := read_frame(channel.recv)) is not None:
        identifier = request.fields.get("id")

        def report(message: str, **figures: float) -> None:
            fields = {"answer": "progress", "id": identifier, "message": str(message)[:4096], "figures": figures}
            channel.sendall(Frame(fields).encode())

        if responder.greeting is not None:
            responder.greeting.report = report
        answer = responder.answer(request, report)
        channel.sendall(answer.encode())
        if answer.fields["answer"] == "error":
            print(answer.fields["traceback"], file=sys.stderr, flush=True)
            return 1
        if request.fields.get("request") == "close":
            return 0
    return 0


def _end_with(channel: socket.socket) -> None:
    """Ends this process when the daemon is gone, even in the middle of a long round."""
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLRDHUP)

    def watch() -> None:
        while not poll.poll(None):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="medulla-channel").start()


def run(
    program: str, description: str, check: Callable[[str], type], responder: Callable[[str], Responder],
    arguments: Sequence[str] | None = None,
) -> int:
    """The program ``python -m PROGRAM module:Class``; its exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("name", metavar="module:Class")
    parser.add_argument("--check", action="store_true", help="only check that the class can be loaded")
    options = parser.parse_args(arguments)
    if options.check:
        try:
            check(options.name)
        except (ContractError, ImportError) as error:
            print(f"{options.name}: {error}", file=sys.stderr)
            return 1
        print(f"{options.name}: keeps the contract's form")
        return 0
    number = os.environ.get(CHANNEL)
    if number is None:
        print(f"{CHANNEL} is not set: the daemon starts this program; try --check", file=sys.stderr)
        return 2
    channel = socket.socket(fileno=int(number))
    _end_with(channel)
    try:
        return serve(responder(options.name), channel)
    except FrameError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
