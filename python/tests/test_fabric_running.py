"""A fabric that runs: the client and the gateway against the switches, beside the program's own client. Needs
root and the medulla program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medulla.fabric import FabricClient, FabricError

NAME = f"py-{os.getpid()}"
CLIENTS, ROWS = 3, 40
TOPOLOGY = """\
fabric: { leaves: 3, spines: 1, memory: 256KiB }
inferences: 8
constraints: { layers_per_switch: 1 }
"""


def models(program: str) -> Path:
    """The tree's models, above this file or the program."""
    for place in (Path(__file__).resolve(), Path(program).resolve(), Path.cwd()):
        for folder in place.parents:
            if (folder / "models" / "aurora-medulla.onnx").exists():
                return folder / "models"
    pytest.skip("models/aurora-medulla.onnx is neither above the tests nor above the medulla program")


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, "fabric", *map(str, arguments)], capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def program(medulla_program: str) -> str:
    if os.geteuid() != 0:
        pytest.skip("a fabric needs root")
    if run(medulla_program, "up", "--help").returncode != 0:
        pytest.skip("this medulla program has no `fabric up`")
    return medulla_program


@pytest.fixture(scope="module")
def rows(program: str) -> np.ndarray:
    return np.load(models(program) / "aurora-medulla-calibration.npy")[:ROWS]


@pytest.fixture(scope="module")
def fabric(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of one with aurora-medulla, one layer a switch."""
    folder, found = tmp_path_factory.mktemp("fabric"), models(program)
    (folder / "topology.yaml").write_text(TOPOLOGY)
    planned = run(
        program, "plan", found / "aurora-medulla.onnx", "--calibration",
        found / "aurora-medulla-calibration.npy", "--topology", folder / "topology.yaml", "-o",
        folder / "plan")
    assert planned.returncode == 0, planned.stderr
    try:
        started = run(program, "up", folder / "plan", "--name", NAME, "--clients", CLIENTS)
        assert started.returncode == 0, started.stderr
        yield NAME
    finally:
        ended = run(program, "down", "--name", NAME)
    assert ended.returncode == 0, ended.stderr


def asked(program: str, rows: np.ndarray, folder: Path) -> list[dict[str, Any]]:
    """What the program's own client gets."""
    np.save(folder / "rows.npy", rows)
    done = run(program, "infer", "--input", folder / "rows.npy", "--name", NAME, "--window", 4, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["results"]


def test_answers_are_those_of_the_programs_own_client(fabric, program, rows, tmp_path) -> None:
    own = os.readlink("/proc/self/ns/net")
    with FabricClient(fabric) as client:
        assert os.readlink("/proc/self/ns/net") == own
        # Both hold a client number: each has its own.
        expected = asked(program, rows, tmp_path)
        answers = client.infer(rows)
        single = client.infer(rows[0])
    assert client.model == "aurora-medulla" and client.largest_window == 8
    assert answers.outputs.tolist() == [result["outputs"] for result in expected]
    assert answers.labels.tolist() == [result["label"] for result in expected]
    assert answers.integers.shape == (ROWS, 1) and answers.integers.dtype == np.int64
    assert (answers.microseconds > 0).all() and (answers.attempts >= 1).all()
    assert single.outputs.tolist() == [expected[0]["outputs"]]


def test_clients_of_one_number_take_turns_and_never_mix(fabric, program, rows, tmp_path) -> None:
    expected = asked(program, rows, tmp_path)
    for turn in range(3):
        with FabricClient(fabric, "aurora-medulla", window=1 + turn) as client:
            assert client.number == 0
            assert client.infer(rows).outputs.tolist() == [result["outputs"] for result in expected]
        assert asked(program, rows[:5], tmp_path)[4]["outputs"] == expected[4]["outputs"]


def test_answers_come_when_cells_are_lost_on_the_way(fabric, program, rows, tmp_path) -> None:
    expected = asked(program, rows, tmp_path)
    generator = np.random.default_rng(5)
    with FabricClient(fabric) as client:
        send, receive = client._port.send, client._port.receive
        client._port.send = lambda frames: send(frames[generator.random(len(frames)) > 0.2])
        client._port.receive = lambda: [frame for frame in receive() if generator.random() > 0.2]
        answers = client.infer(rows)
        assert client.counts.asked > 0 and client.counts.sent_again > 0
    assert answers.outputs.tolist() == [result["outputs"] for result in expected]
    assert answers.attempts.max() > 1


def test_a_fabric_takes_only_so_many_clients(fabric, program) -> None:
    clients = [FabricClient(fabric) for _ in range(CLIENTS)]
    try:
        assert [client.number for client in clients] == list(range(CLIENTS))
        with pytest.raises(FabricError, match="3 clients are at the fabric"):
            FabricClient(fabric)
        file = models(program) / "aurora-medulla-calibration.npy"
        refused = run(program, "infer", "--input", file, "--name", NAME)
        assert refused.returncode != 0 and "3 clients are at the fabric" in refused.stderr
    finally:
        for client in clients:
            client.close()


def test_the_gateway_answers_tritons_client(fabric, program, rows, tmp_path) -> None:
    triton = pytest.importorskip("tritonclient.http")
    expected = asked(program, rows, tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "medulla.fabric.gateway", "--name", fabric, "--listen", "127.0.0.1:0",
         "--clients", "2"], stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().rsplit("http://", 1)[1].strip()
        with triton.InferenceServerClient(url, concurrency=4) as client:
            assert client.is_server_live() and client.is_server_ready()
            assert client.is_model_ready("aurora-medulla")
            assert client.get_model_metadata("aurora-medulla")["inputs"][0]["shape"] == [-1, 30]
            for kind, is_binary in (("FP32", True), ("FP64", True), ("FP32", False)):
                sent = triton.InferInput("input", list(rows.shape), kind)
                sent.set_data_from_numpy(rows.astype(np.float64 if kind == "FP64" else np.float32), is_binary)
                wanted = [triton.InferRequestedOutput(name, is_binary) for name in ("outputs", "label")]
                waiting = [client.async_infer("aurora-medulla", [sent], outputs=wanted) for _ in range(4)]
                for answer in [request.get_result() for request in waiting]:
                    assert answer.as_numpy("outputs").tolist() == [result["outputs"] for result in expected]
                    assert answer.as_numpy("label").tolist() == [result["label"] for result in expected]
            with pytest.raises(triton.InferenceServerException, match="no network none"):
                client.infer("none", [sent])
            with pytest.raises(triton.InferenceServerException, match=r"takes \[rows, 30\]"):
                short = triton.InferInput("input", [1, 7], "FP32")
                client.infer("aurora-medulla", [short.set_data_from_numpy(np.zeros((1, 7), np.float32))])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
