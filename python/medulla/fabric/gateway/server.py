"""The gateway's HTTP server: paths, limits and statuses."""

from __future__ import annotations

import http.server
import json
import socket
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import medulla
from medulla.fabric import errors
from medulla.fabric.errors import FabricError
from medulla.fabric.gateway import protocol
from medulla.fabric.gateway.pool import ClientPool, Network
from medulla.fabric.gateway.protocol import RequestError

LENGTH_HEADER = "Inference-Header-Content-Length"
_PIECE_BYTES = 1 << 16
#: How much of a body that is not wanted is read so that the connection can go on, and for how long one is
#: read so that its sender gets to read the answer.
_DISCARD_BYTES, _DISCARD_S = 1 << 22, 1.0
_MESSAGE_LIMIT = 1000
_STATUSES = {errors.BAD_INPUT: 400, errors.UNKNOWN_MODEL: 404}


@dataclass(frozen=True)
class GatewaySettings:
    """``idle_s``: without a byte, then a connection is closed; ``body_s``: that a body may take;
    ``ending_s``: that requests have to end in when the gateway does."""

    request_bytes: int = 8 << 20
    connections: int = 64
    idle_s: float = 60
    body_s: float = 30
    ending_s: float = 10


class Gateway(http.server.ThreadingHTTPServer):
    """Listens at an address (port 0: a free one) when it is made, and answers from ``start`` to ``close``."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], pool: ClientPool, settings: GatewaySettings | None = None,
    ) -> None:
        self.pool = pool
        self.settings = settings or GatewaySettings()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._changed = threading.Condition()
        self._connections = self._running = 0
        #: A body is taken apart by one thread at a time, which bounds the memory for that.
        self.parsing = threading.Lock()
        self._thread: threading.Thread | None = None
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Without a look for the host's name, which the base class asks the resolver for."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]

    @property
    def url(self) -> str:
        host = str(self.server_address[0])
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}"

    def start(self) -> None:
        """Answers in a thread of its own."""
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="medulla-gateway")
        self._thread.start()

    def close(self) -> None:
        """Takes no more connections, lets requests that run end, and closes the clients."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        self.server_close()
        deadline = time.monotonic() + self.settings.ending_s
        with self._changed:
            while self._running and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
        self.pool.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            is_full = self._connections >= self.settings.connections
            self._connections += not is_full
        if is_full:
            _refuse(request)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._leave()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._changed:
            self._connections -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is nobody's error; anything else is the gateway's, and is printed."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def begin(self) -> None:
        with self._changed:
            self._running += 1

    def end(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()


def _refuse(connection: socket.socket) -> None:
    body = _error_body("the gateway has as many connections as it takes")
    head = (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
    try:
        connection.setblocking(False)
        connection.send(head.encode() + body)
    except OSError:
        pass


def _error_body(message: str) -> bytes:
    return json.dumps({"error": message[:_MESSAGE_LIMIT]}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    server: Gateway
    protocol_version = "HTTP/1.1"
    server_version = f"medulla-fabric/{medulla.__version__}"
    sys_version = ""
    # Head and body of an answer go out together.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.timeout = self.server.settings.idle_s
        self._lingers = False
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: answers say what was wrong."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class finds wrong with a request, as JSON."""
        self.close_connection = True
        self._send(int(code), _error_body(message or self.responses.get(code, ("error",))[0]))

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        self.server.begin()
        try:
            body, length = self._route(method)
            self._send(200, body, length)
        except RequestError as error:
            self._send(error.status, _error_body(error.message))
        except FabricError as error:
            self._send(_STATUSES.get(error.code, 503), _error_body(str(error)))
        except OSError:
            # The connection: there is nobody to tell.
            self.close_connection = True
        except Exception:
            traceback.print_exc()
            self.send_error(500, "an error of the gateway's own, which it has printed")
        finally:
            self.server.end()

    def _route(self, method: str) -> tuple[bytes, int | None]:
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if parts[0] != "v2":
            raise self._unknown()
        if len(parts) >= 3 and parts[1] == "models":
            return self._route_model(method, parts[2], parts[3:])
        answers = {(): self._metadata, ("health", "live"): self._live, ("health", "ready"): self._ready}
        found = answers.get(tuple(parts[1:]))
        if found is None:
            raise self._unknown()
        self._demand("GET", method)
        return json.dumps(found()).encode(), None

    def _route_model(self, method: str, name: str, rest: list[str]) -> tuple[bytes, int | None]:
        version = rest[1] if len(rest) >= 2 and rest[0] == "versions" else None
        what = rest if version is None else rest[2:]
        if what not in ([], ["ready"], ["infer"]):
            raise self._unknown()
        self._demand("POST" if what == ["infer"] else "GET", method)
        # The body first, so that the next request of the connection begins behind it.
        body = self._body() if what == ["infer"] else b""
        network = self.server.pool.source.network(name)
        if version is not None and version != str(network.epoch):
            raise RequestError(404, f"{name} has no version {version[:40]!r}; it has {network.epoch}")
        if what == ["infer"]:
            return self._infer(network, body)
        if what == ["ready"]:
            return json.dumps({"name": network.name, "ready": True}).encode(), None
        return json.dumps(protocol.model_metadata(network)).encode(), None

    def _metadata(self) -> dict[str, Any]:
        return protocol.server_metadata(medulla.__version__)

    def _live(self) -> dict[str, Any]:
        return {"live": True}

    def _ready(self) -> dict[str, Any]:
        self.server.pool.source.networks()
        return {"ready": True}

    def _infer(self, network: Network, body: bytes) -> tuple[bytes, int | None]:
        with self.server.parsing:
            request = protocol.parse(body, self.headers.get(LENGTH_HEADER), network)
        answers, epoch = self.server.pool.infer(network.name, request.rows)
        return protocol.answer(request, network, epoch, answers)

    def _unknown(self) -> RequestError:
        self._discard()
        return RequestError(404, f"there is nothing at {self.path[:200]!r}")

    def _demand(self, wanted: str, method: str) -> None:
        if method != wanted:
            self._discard()
            raise RequestError(405, f"{self.path[:200]!r} takes {wanted}")

    def _length(self) -> int:
        given = self.headers.get_all("Content-Length", [])
        text = given[0] if given else ""
        if "Transfer-Encoding" in self.headers or not given:
            self.close_connection = True
            raise RequestError(411, "a request needs Content-Length, and its body in one piece")
        if len(given) > 1 or not text.isascii() or not text.isdigit() or len(text) > 20:
            self.close_connection = True
            raise RequestError(400, f"Content-Length is {text[:40]!r}")
        return int(text)

    def _body(self) -> bytes:
        length, most = self._length(), self.server.settings.request_bytes
        encoding = self.headers.get("Content-Encoding", "identity")
        if length > most:
            self._discard()
            raise RequestError(413, f"the body has {length} bytes, and at most {most} are taken")
        if encoding != "identity":
            self._discard()
            raise RequestError(415, f"the body is {encoding[:40]!r}; send it without Content-Encoding")
        return self._read(length, time.monotonic() + self.server.settings.body_s)

    def _read(self, length: int, deadline: float) -> bytes:
        """Raises RequestError (408) when a body does not come in time, or is cut."""
        body = bytearray()
        while len(body) < length:
            left = deadline - time.monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                self.connection.settimeout(left)
                piece = self.rfile.read1(min(length - len(body), _PIECE_BYTES))
            except TimeoutError as error:
                self.close_connection = True
                raise RequestError(408, f"{len(body)} of {length} bytes came in time") from error
            if not piece:
                self.close_connection = True
                raise RequestError(400, f"the body ends after {len(body)} of {length} bytes")
            body += piece
        self.connection.settimeout(self.timeout)
        return bytes(body)

    def _discard(self) -> None:
        """Takes a body that is not wanted off the connection, or ends that where it is large."""
        if not (self.headers.get("Content-Length") or "Transfer-Encoding" in self.headers):
            return
        length = self._length()
        if length <= _DISCARD_BYTES:
            self._read(length, time.monotonic() + _DISCARD_S)
        else:
            self.close_connection = self._lingers = True

    def finish(self) -> None:
        """Reads on for a moment where a body was not taken: closing at once would take the answer back."""
        super().finish()
        if not self._lingers:
            return
        try:
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DISCARD_S)
            deadline = time.monotonic() + _DISCARD_S
            while time.monotonic() < deadline and self.connection.recv(_PIECE_BYTES):
                pass
        except OSError:
            pass

    def _send(self, status: int, body: bytes, json_length: int | None = None) -> None:
        self.send_response(status)
        if json_length is None:
            self.send_header("Content-Type", "application/json")
        else:
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header(LENGTH_HEADER, str(json_length))
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
