"""The gateway's command."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from medulla.fabric.errors import FabricError
from medulla.fabric.gateway.pool import ClientPool, RunningSource
from medulla.fabric.gateway.server import Gateway, GatewaySettings

_DEFAULTS = GatewaySettings()


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form ADDRESS:PORT")
    return host.strip("[]"), int(port)


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 1 << 31:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m medulla.fabric.gateway",
        description="Answers for a fabric by HTTP, in the open inference protocol. Needs root.")
    parser.add_argument("--name", default="default", help="the fabric's (default: default)")
    parser.add_argument(
        "--listen", type=_address, default=("127.0.0.1", 8090), metavar="ADDRESS:PORT",
        help="port 0 takes a free one (default: 127.0.0.1:8090)")
    parser.add_argument(
        "--clients", type=_positive, metavar="COUNT",
        help="client numbers of the fabric that it takes at most (default: all)")
    parser.add_argument(
        "--request-bytes", type=_positive, default=_DEFAULTS.request_bytes, metavar="COUNT",
        help="largest body of a request (default: %(default)s)")
    parser.add_argument(
        "--connections", type=_positive, default=_DEFAULTS.connections, metavar="COUNT",
        help="at once (default: %(default)s)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT; the exit status. Requests that run then are finished first."""
    given = _parser().parse_args(arguments)
    settings = GatewaySettings(request_bytes=given.request_bytes, connections=given.connections)
    try:
        source = RunningSource(given.name)
        pool = ClientPool(source, min(given.clients or source.clients, source.clients))
        gateway = Gateway(given.listen, pool, settings)
    except (FabricError, OSError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    gateway.start()
    print(f"gateway: the fabric {given.name} is at {gateway.url}", flush=True)
    stop.wait()
    gateway.close()
    return 0
