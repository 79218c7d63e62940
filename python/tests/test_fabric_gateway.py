"""The gateway's HTTP: what it answers, and what it says to wrong requests. The fabric is a stand-in."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection

import numpy as np
import pytest
from fabric_fakes import FakeSource

from medulla.fabric import FabricError
from medulla.fabric.gateway import ClientPool, Gateway, GatewaySettings, Network, protocol
from medulla.fabric.gateway.protocol import RequestError, Wanted

NETWORK = Network("net", 7, 3, 2)
TENSOR = {"name": "input", "datatype": "FP32", "shape": [2, 3], "data": [1, 2, 3, 4.5, 5, 6]}
SETTINGS = GatewaySettings(request_bytes=1 << 20, connections=8, idle_s=10, body_s=0.5, ending_s=5)


def body(tensor: dict | None = None, **fields: object) -> bytes:
    return json.dumps({"inputs": [TENSOR | (tensor or {})], **fields}).encode()


def binary(rows: np.ndarray, kind: str, size: int | None = None, **fields: object) -> tuple[bytes, str]:
    data = rows.tobytes()
    tensor = {
        "name": "input", "datatype": kind, "shape": list(rows.shape),
        "parameters": {"binary_data_size": len(data) if size is None else size}}
    text = json.dumps({"inputs": [tensor], **fields}).encode()
    return text + data, str(len(text))


@pytest.mark.parametrize("tensor, rows", [
    ({}, [[1, 2, 3], [4.5, 5, 6]]),
    ({"data": [[1, 2, 3], [4.5, 5, 6]]}, [[1, 2, 3], [4.5, 5, 6]]),
    ({"datatype": "FP64", "shape": [1, 3, 1], "data": [0.1, 0, 0]}, [[0.1, 0, 0]]),
])
def test_numbers_come_as_json(tensor: dict, rows: list) -> None:
    request = protocol.parse(body(tensor, id="a"), None, NETWORK)
    assert request.id == "a" and request.rows.tolist() == rows
    assert request.wanted == (Wanted("outputs", False), Wanted("label", False))


@pytest.mark.parametrize("kind, dtype", [("FP32", "<f4"), ("FP64", "<f8")])
def test_numbers_come_as_bytes_behind_the_json(kind: str, dtype: str) -> None:
    rows = np.array([[1.5, 2, 3], [4, 5, 6.25]], dtype)
    text, length = binary(rows, kind, parameters={"binary_data_output": True}, outputs=[
        {"name": "label", "parameters": {"binary_data": False}}, {"name": "outputs"}])
    request = protocol.parse(text, length, NETWORK)
    assert np.array_equal(request.rows, rows)
    assert request.wanted == (Wanted("label", False), Wanted("outputs", True))


@pytest.mark.parametrize("text, message", [
    (b"", "no JSON"), (b"{", "no JSON"), (b"[]", "no JSON object"), (b"[" * 100_000, "no JSON"),
    (b"\xff\xfe", "no JSON"),
    (b"{}", "list of one tensor"), (b'{"inputs": [1]}', "list of one tensor"),
    (json.dumps({"inputs": [TENSOR, TENSOR]}).encode(), "list of one tensor"),
    (body({"name": "x"}), "no input \"x\"; it has 'input'"), (body({"name": None}), "no input null"),
    (body({"datatype": "INT8"}), '`datatype` is "INT8"; \'input\' takes FP32 or FP64'),
    (body({"datatype": [1]}), "`datatype`"), (body({"shape": [6]}), r"takes \[rows, 3\]"),
    (body({"shape": [3, 2]}), r"takes \[rows, 3\]"), (body({"shape": [-1, 3]}), "`shape`"),
    (body({"shape": [0, 3]}), "`shape`"), (body({"shape": [True, 3]}), "`shape`"),
    (body({"shape": "2,3"}), "`shape`"),
    (body({"shape": [1] * 9}), "`shape`"), (body({"shape": [2**40, 3]}), "`shape`"),
    (body({"shape": [2.0, 3]}), "`shape`"),
    (body({"shape": [3, 3]}), r"has 6 numbers, and its shape \[3, 3\] says 9"),
    (body({"data": None}), "needs `data`"), (body({"data": "abc"}), "needs `data`"),
    (body({"data": {}}), "needs `data`"),
    (body({"data": [1, 2, "3", 4, 5, 6]}), "no number"), (body({"data": [None] * 6}), "no number"),
    (body({"data": [[1, 2, 3], [4]]}), "rows of one length"), (body({"data": [True] * 6}), "no number"),
    (body({"data": [1e300, 0, 0, 0, 0, 0]}), "too large for FP32"),
    (body({"data": [2**70] * 6}), "no number"),
    (body().replace(b"4.5", b"NaN"), "NaN, infinity"),
    (body().replace(b"4.5", b"-Infinity"), "NaN, infinity"),
    (body(id=7), "`id`"), (body(id="x" * 2000), "`id`"), (body(parameters=[]), "`parameters` of the request"),
    (body({"parameters": 1}), "`parameters` of input"),
    (body({"parameters": {"shared_memory_region": "x"}}), "shared memory is not offered"),
    (body(parameters={"binary_data_output": 1}), "`binary_data_output` must be true or false"),
    (body(outputs="label"), "`outputs` must be a list"), (body(outputs=[1]), "no output 1"),
    (body(outputs=[{}] * 17), "`outputs` must be a list"),
    (body(outputs=[{"name": "x"}]), 'no output "x"; there are outputs, label'),
    (body(outputs=[{"name": ["x"]}]), "no output"),
    (body(outputs=[{"name": "label"}] * 2), "asked for twice"),
    (body(outputs=[{"name": "label", "parameters": {"classification": 2}}]), "classification is not offered"),
    (body(outputs=[{"name": "label", "parameters": {"binary_data": "yes"}}]), "`binary_data` must be"),
])
def test_what_is_asked_wrongly_is_told(text: bytes, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        protocol.parse(text, None, NETWORK)
    assert caught.value.status == 400


def test_wrong_lengths_of_binary_data_are_told() -> None:
    rows = np.zeros((2, 3), "<f4")
    text, length = binary(rows, "FP32")
    cases = [
        (text, "9999", "Inference-Header-Content-Length"), (text, "-1", "Inference-Header-Content-Length"),
        (text, "x", "Inference-Header-Content-Length"), (text, "9" * 500, "Inference-Header-Content-Length"),
        (text[:-1], length, "24, and 23 bytes follow"), (text + b"x", length, "24, and 25 bytes follow"),
        (binary(rows, "FP32", size=20)[0], length, "20, and 24 bytes follow"), (text, None, "no JSON"),
        (binary(rows, "FP64")[0], length, "3 numbers"),
        (body() + b"more", str(len(body())), "no tensor claims"),
        (binary(rows[:, :2].copy(), "FP64")[0], length, "`shape`"),
    ]
    for sent, header, message in cases:
        with pytest.raises(RequestError, match=message):
            protocol.parse(sent, header, NETWORK)


def test_random_bytes_are_a_request_or_told() -> None:
    generator = np.random.default_rng(11)
    good = body(outputs=[{"name": "label"}], id="x")
    for _ in range(3_000):
        sent = bytearray(good)
        for place in generator.integers(0, len(sent), 2):
            sent[place] = generator.integers(32, 127)
        try:
            request = protocol.parse(bytes(sent), None, NETWORK)
        except RequestError as error:
            assert error.status == 400
        else:
            assert request.rows.shape == (2, 3)


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def gateway(source: FakeSource) -> Iterator[Gateway]:
    made = Gateway(("127.0.0.1", 0), ClientPool(source, 2, patience_s=0.2), SETTINGS)
    made.start()
    yield made
    made.close()
    assert all(client.is_closed for client in source.opened)


def ask(
    gateway: Gateway, method: str, path: str, sent: bytes | None = None, **headers: str,
) -> tuple[int, dict]:
    connection = HTTPConnection("127.0.0.1", gateway.server_port, timeout=10)
    connection.request(method, path, sent, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    assert answer.getheader("Content-Type") == "application/json"
    found = json.loads(answer.read())
    connection.close()
    return answer.status, found


def test_metadata_and_health_are_those_of_the_protocol(gateway: Gateway) -> None:
    import medulla

    server = {"name": "medulla-fabric", "version": medulla.__version__, "extensions": ["binary_tensor_data"]}
    model = {
        "name": "net", "versions": ["7"], "platform": "medulla-fabric",
        "inputs": [{"name": "input", "datatype": "FP32", "shape": [-1, 3]}],
        "outputs": [
            {"name": "outputs", "datatype": "FP64", "shape": [-1, 2]},
            {"name": "label", "datatype": "INT32", "shape": [-1]}]}
    for path, expected in (
        ("/v2", server), ("/v2/", server), ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/net", model), ("/v2/models/net/versions/7", model), ("/v2/models/net?x=1", model),
        ("/v2/models/net/ready", {"name": "net", "ready": True}),
        ("/v2/models/net/versions/7/ready", {"name": "net", "ready": True}),
    ):
        assert ask(gateway, "GET", path) == (200, expected), path


def test_an_inference_in_json(gateway: Gateway) -> None:
    for path in ("/v2/models/net/infer", "/v2/models/net/versions/7/infer"):
        status, found = ask(gateway, "POST", path, body(id="q"))
        assert status == 200 and found == {
            "model_name": "net", "model_version": "7", "id": "q",
            "outputs": [
                {"name": "outputs", "datatype": "FP64", "shape": [2, 2], "data": [6, 12, 15.5, 31]},
                {"name": "label", "datatype": "INT32", "shape": [2], "data": [1, 1]}]}


def test_an_inference_in_bytes_over_one_connection(gateway: Gateway, source: FakeSource) -> None:
    connection = HTTPConnection("127.0.0.1", gateway.server_port, timeout=10)
    for count in (1, 3):
        rows = np.arange(3 * count, dtype="<f4").reshape(count, 3)
        sent, length = binary(rows, "FP32", outputs=[
            {"name": "label", "parameters": {"binary_data": True}},
            {"name": "outputs", "parameters": {"binary_data": True}}])
        connection.request("POST", "/v2/models/net/infer", sent, {"Inference-Header-Content-Length": length})
        answer = connection.getresponse()
        text = answer.read()
        head = int(answer.getheader("Inference-Header-Content-Length"))
        found = json.loads(text[:head])
        assert [(output["name"], output["shape"], output["parameters"]) for output in found["outputs"]] == [
            ("label", [count], {"binary_data_size": 4 * count}),
            ("outputs", [count, 2], {"binary_data_size": 16 * count})]
        assert np.frombuffer(text[head:head + 4 * count], "<i4").tolist() == [1] * count
        outputs = np.frombuffer(text[head + 4 * count:], "<f8").reshape(count, 2)
        assert np.array_equal(outputs[:, 0], rows.sum(axis=1))
    connection.close()
    assert len(source.opened) == 1


@pytest.mark.parametrize("method, path, sent, headers, status, message", [
    ("GET", "/", None, {}, 404, "nothing at"), ("GET", "/v1", None, {}, 404, "nothing at"),
    ("GET", "/v2/models", None, {}, 404, "nothing at"),
    ("GET", "/v2/models/net/x", None, {}, 404, "nothing at"),
    ("GET", "/v2/models/none", None, {}, 404, "no network none"),
    ("GET", "/v2/models/%2e%2e%2fx/ready", None, {}, 404, "no network ../x"),
    ("POST", "/v2/models/none/infer", b"{}", {}, 404, "no network none"),
    ("GET", "/v2/models/net/versions/8", None, {}, 404, "no version '8'; it has 7"),
    ("POST", "/v2/models/net/versions/8/infer", b"{}", {}, 404, "no version"),
    ("GET", "/v2/models/net/infer", None, {}, 405, "takes POST"),
    ("POST", "/v2", b"{}", {}, 405, "takes GET"),
    ("PUT", "/v2", b"", {}, 501, "Unsupported method"),
    ("POST", "/v2/models/net/infer", b"{}", {}, 400, "list of one tensor"),
    ("POST", "/v2/models/net/infer", b"{}", {"Content_Encoding": "gzip"}, 415, "without Content-Encoding"),
    ("POST", "/v2/models/net/infer", b"{}", {"Content_Length": "-1"}, 400, "Content-Length is '-1'"),
    ("POST", "/v2/models/net/infer", b"{}", {"Content_Length": "5"}, 408, "2 of 5 bytes came in time"),
    ("POST", "/v2/models/net/infer", None, {"Transfer_Encoding": "chunked"}, 411, "needs Content-Length"),
    ("POST", "/v2/models/net/infer", bytes((1 << 20) + 1), {}, 413, "1048577 bytes, and at most 1048576"),
    ("POST", "/v2/models/net/infer", bytes(16 << 20), {}, 413, "at most 1048576"),
])
def test_errors_have_a_status_and_a_sentence(
    gateway: Gateway, method: str, path: str, sent: bytes | None, headers: dict, status: int, message: str,
) -> None:
    got, found = ask(gateway, method, path, sent, **headers)
    assert got == status and list(found) == ["error"] and message in found["error"]


def test_a_connection_goes_on_behind_an_error(gateway: Gateway) -> None:
    connection = HTTPConnection("127.0.0.1", gateway.server_port, timeout=10)
    for path, sent, status in (
        ("/v2/models/none/infer", b"{}" * 9, 404), ("/v2/models/net/infer", b"no", 400),
        ("/v2/x", b"more", 404),
        ("/v2/models/net/infer", bytes((1 << 20) + 1), 413), ("/v2/models/net/infer", body(), 200),
    ):
        connection.request("POST", path, sent)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
    assert connection.sock is not None
    connection.close()


def test_what_is_no_http_is_told(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.server_port), timeout=10) as connection:
        connection.sendall(b"what is this\r\n\r\n")
        assert b'{"error": ' in connection.recv(4096)


@pytest.mark.parametrize("code, status", [
    ("no-answer", 503), ("no-seat", 503), ("not-running", 503), ("system", 503), ("bad-input", 400)])
def test_what_the_fabric_says_has_a_status(
    gateway: Gateway, source: FakeSource, code: str, status: int,
) -> None:
    source.failure = FabricError(code, "it is so", "because", "do this")
    for _ in range(3):
        assert ask(gateway, "POST", "/v2/models/net/infer", body()) == (
            status, {"error": "it is so: because (do this)"})
    # A client that failed is not used again, unless the request was to blame.
    assert [client.is_closed for client in source.opened] == ([False] if status == 400 else [True] * 3)
    source.failure = None
    assert ask(gateway, "POST", "/v2/models/net/infer", body())[0] == 200


def test_an_error_of_its_own_is_told_and_printed(gateway: Gateway, source: FakeSource, capsys) -> None:
    source.failure = ZeroDivisionError("oh")
    status, found = ask(gateway, "POST", "/v2/models/net/infer", body())
    assert status == 500 and "own" in found["error"]
    assert "ZeroDivisionError: oh" in capsys.readouterr().err


def held(
    gateway: Gateway, source: FakeSource, count: int,
) -> tuple[threading.Event, list[int], list[threading.Thread]]:
    """Requests whose inferences wait for an event, once all of them do."""
    go, waiting, statuses = threading.Event(), threading.Semaphore(0), []

    def block() -> None:
        waiting.release()
        assert go.wait(10)

    opened = source.open

    def open_blocking(name: str) -> object:
        client = opened(name)
        client.before_answering = block
        return client

    source.open = open_blocking
    def work() -> None:
        statuses.append(ask(gateway, "POST", "/v2/models/net/infer", body())[0])

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for _ in range(count):
        assert waiting.acquire(timeout=10)
    return go, statuses, threads


def test_when_all_clients_are_busy_others_are_told_so(gateway: Gateway, source: FakeSource) -> None:
    go, statuses, threads = held(gateway, source, 2)
    status, found = ask(gateway, "POST", "/v2/models/net/infer", body())
    assert status == 503 and "all 2 clients of the gateway are busy" in found["error"]
    go.set()
    for thread in threads:
        thread.join()
    assert statuses == [200, 200] and len(source.opened) == 2


def test_requests_that_run_are_finished_when_it_ends(gateway: Gateway, source: FakeSource) -> None:
    go, statuses, threads = held(gateway, source, 2)
    ending = threading.Thread(target=gateway.close)
    ending.start()
    go.set()
    for thread in [*threads, ending]:
        thread.join(10)
    assert statuses == [200, 200] and all(client.is_closed for client in source.opened)


def test_clients_change_networks_when_there_is_no_other(gateway: Gateway, source: FakeSource) -> None:
    for name in ("net", "net", "other", "net", "other"):
        assert ask(gateway, "POST", f"/v2/models/{name}/infer", body())[0] == 200
    assert [client.model for client in source.opened] == ["net", "other"]
    source.opened[0].is_current = False
    assert ask(gateway, "POST", "/v2/models/other/infer", body())[0] == 200
    assert ask(gateway, "POST", "/v2/models/net/infer", body())[0] == 200
    assert [client.model for client in source.opened] == ["net", "other", "net"]
    assert source.opened[0].is_closed


def test_a_network_takes_the_place_of_one_that_is_idle(source: FakeSource) -> None:
    pool = ClientPool(source, 1)
    for name in ("net", "other", "net"):
        assert pool.infer(name, np.zeros((1, 3)))[1] == 7
    assert [client.is_closed for client in source.opened] == [True, True, False]
    pool.close()
    with pytest.raises(FabricError, match="ending"):
        pool.infer("net", np.zeros((1, 3)))
    assert source.opened[-1].is_closed


def test_connections_over_the_limit_are_told_so(gateway: Gateway) -> None:
    kept = [HTTPConnection("127.0.0.1", gateway.server_port, timeout=10) for _ in range(SETTINGS.connections)]
    for connection in kept:
        connection.request("GET", "/v2/health/live")
        assert connection.getresponse().read()
    status, found = ask(gateway, "GET", "/v2/health/live")
    assert status == 503 and "connections" in found["error"]
    for connection in kept:
        connection.close()


@pytest.mark.parametrize("arguments, message", [
    (["--listen", "8090"], "not of the form ADDRESS:PORT"), (["--listen", "h:99999"], "not of the form"),
    (["--connections", "0"], "no number above 0"), (["--name", "a/b"], "cannot name a fabric"),
    (["--name", "is-not-there"], "there is no fabric is-not-there"),
])
def test_the_command_tells_what_is_wrong(arguments: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "medulla.fabric.gateway", *arguments], capture_output=True, text=True,
        timeout=30)
    assert done.returncode in (1, 2) and message in done.stderr and done.stdout == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_by_a_signal(number: int, tmp_path) -> None:
    (tmp_path / "fake.py").write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from fabric_fakes import FakeFabric\n"
        "from medulla.fabric import description\n"
        "from medulla.fabric.gateway.program import main\n"
        "description.RUN_FOLDER = Path(sys.argv[1])\n"
        "FakeFabric(description.RUN_FOLDER)\n"
        "sys.exit(main(['--name', 'fake', '--listen', '127.0.0.1:0']))\n")
    process = subprocess.Popen(
        [sys.executable, "fake.py", str(tmp_path)], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        env={"PYTHONPATH": ":".join(sys.path)})
    line = process.stdout.readline()
    assert line.startswith("gateway: the fabric fake is at http://127.0.0.1:")
    connection = HTTPConnection("127.0.0.1", int(line.rsplit(":", 1)[1]), timeout=10)
    connection.request("GET", "/v2/models/net")
    assert json.loads(connection.getresponse().read())["inputs"][0]["shape"] == [-1, 300]
    process.send_signal(number)
    assert process.wait(10) == 0 and process.stdout.read() == ""
    connection.close()
