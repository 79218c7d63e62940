"""The runner: the contract is kept, and what breaks it is told with its traceback."""

from __future__ import annotations

import re
import textwrap

import numpy as np
import pytest
from peer import Process, adapt, hello

from medulla import Network
from medulla.adapter.runner import AdapterError, Runner, load
from medulla.frames import Frame

MODULE = """
    import numpy as np
    from medulla import Adapter, Network, Progress

    class Good(Adapter):
        def __init__(self, greeting):
            self.network, self.report = greeting.network, greeting
        def freeze(self): return self.network
        def adapt(self, batch):
            self.report.report("half way", part=0.5)
            return Progress(1 / (1 + len(batch)), {"lost": float(batch.outcome("lost").sum()), "odd": float("nan")})
        def evaluate(self, inputs): return self.network(inputs)

    class Crashes(Good):
        def adapt(self, batch): return batch.outcome("no such column")
    class NotANumber(Good):
        def adapt(self, batch): return float("nan")
    class WrongShape(Good):
        def evaluate(self, inputs): return np.zeros((len(inputs), 7))
    class NaNOutputs(Good):
        def evaluate(self, inputs): return np.full((len(inputs), 1), np.nan)
    class NaNWeights(Good):
        def freeze(self):
            self.network.layers[0].weight[:] = np.nan
            return self.network
    class OtherNetwork(Good):
        def freeze(self): return Network.random([4, 1])
    class NoNetwork(Good):
        def freeze(self): return 3
    class Exits(Good):
        def adapt(self, batch): raise SystemExit(3)
    class Incomplete(Adapter):
        def __init__(self, greeting): pass
    class NoAdapter: pass
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def samples(count: int) -> Frame:
    return adapt(np.ones((count, 2)), np.ones((count, 1)), np.ones((count, 8)))


def test_the_runner_keeps_the_contract_over_a_real_channel(module) -> None:
    network = Network.random([2, 3, 1], seed=5)
    with Process("mine:Good", str(module)) as process:
        assert process.ask(hello(network)).fields == {"answer": "ok", "id": 1, "protocol": 1, "name": "mine:Good"}
        answer = process.ask(samples(3))
        assert answer.fields["stability"] == 0.25 and answer.fields["figures"] == {"lost": 3}
        assert process.progress[0].fields["message"] == "half way"
        assert process.ask(samples(0)).fields["stability"] == 1
        inputs = np.array([[1, 2], [3, 4]], np.float32)
        outputs = process.ask(Frame({"request": "evaluate", "id": 3}, {"inputs": inputs})).tensors["outputs"]
        assert np.array_equal(outputs, network(inputs))
        frozen = process.ask(Frame({"request": "freeze", "id": 4}))
        assert np.array_equal(frozen.tensors["layer1.weight"], network.layers[1].weight)
        assert process.ask(Frame({"request": "close", "id": 5})).fields["answer"] == "ok"
        assert process.process.wait(10) == 0


def test_the_runner_ends_when_the_daemon_is_gone(module) -> None:
    with Process("mine:Good", str(module)) as process:
        process.ask(hello(Network.random([2, 1])))
        process.channel.close()
        assert process.process.wait(10) in (0, 1)


@pytest.mark.parametrize(
    ("name", "request_", "says"),
    [
        ("Crashes", "adapt", "not in list"),
        ("NotANumber", "adapt", "stability nan"),
        ("WrongShape", "evaluate", r"shape \(2, 7\), not \(2, 1\)"),
        ("NaNOutputs", "evaluate", "NaN or infinity"),
        ("NaNWeights", "freeze", "layer0.weight"),
        ("OtherNetwork", "freeze", "4 inputs"),
        ("NoNetwork", "freeze", "gave int"),
    ],
)
def test_a_class_that_breaks_the_contract_is_told(name: str, request_: str, says: str) -> None:
    runner = Runner(f"mine:{name}")
    assert runner.answer(hello(Network.random([2, 1]))).fields["answer"] == "ok"
    requests = {
        "adapt": samples(2), "freeze": Frame({"request": "freeze", "id": 2}),
        "evaluate": Frame({"request": "evaluate", "id": 2}, {"inputs": np.ones((2, 2), np.float32)}),
    }
    answer = runner.answer(requests[request_])
    assert answer.fields["answer"] == "error" and answer.fields["id"] == 2
    assert re.search(says, answer.fields["message"])
    assert "Traceback" in answer.fields["traceback"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mine", "not of the form"), ("mine:Nobody", "no class"), ("mine:NoAdapter", "no medulla.Adapter"),
        ("mine:Incomplete", "has no adapt, evaluate, freeze"),
    ],
)
def test_only_an_adapter_is_loaded(name: str, says: str) -> None:
    with pytest.raises(AdapterError, match=says):
        load(name)


def test_other_networks_are_handed_on_as_they_came() -> None:
    greeting = hello(Network.random([2, 1]))
    greeting.fields["model"]["layers"].append({"kind": "clip", "minimum": 0})
    runner = Runner("mine:Good")
    assert runner.answer(greeting).fields["answer"] == "ok"
    given = runner.greeting
    assert given is not None and given.network is None and given.document is not None
    assert given.document["layers"][-1]["kind"] == "clip" and given.tensors["layer0.weight"].shape == (1, 2)
    greeting.fields["model"] = {"format": "onnx"}
    greeting.tensors = {"onnx": np.frombuffer(b"model", np.uint8)}
    assert runner.answer(greeting).fields["answer"] == "ok"
    assert runner.greeting is not None and runner.greeting.onnx == b"model"


def test_requests_before_hello_and_other_protocols_are_refused() -> None:
    runner = Runner("mine:Good")
    assert "before hello" in runner.answer(Frame({"request": "freeze", "id": 1})).fields["message"]
    greeting = hello(Network.random([2, 1]))
    greeting.fields["protocol"] = 9
    assert "protocol 9" in runner.answer(greeting).fields["message"]
