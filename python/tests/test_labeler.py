"""The labeler's runner: the contract is kept, and what breaks it is told with its traceback."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import numpy as np
import pytest
from peer import Process

from medulla.frames import Frame
from medulla.labeler.runner import LabelerError, Runner, load

MODULE = """
    import numpy as np
    from medulla import Adapter, Labelled, Labeler

    class Good(Labeler):
        def label(self, request):
            self.greeting.report("asked", rate=request.features["rate"])
            if request.flow is not None and request.flow.destination_port == 443:
                return Labelled("attack", 0.25)
            if request.facts.get("packets") == 3: return 2
            return None if request.prediction is None else request.prediction

    class Late(Labeler):
        before = ()
        def label(self, request): raise NotImplementedError
        def label_all(self, requests):
            now, self.before = self.before, [int(one) for one in requests.id]
            return [None] * len(requests) + [Labelled("scan", id=one) for one in now]

    class Crashes(Good):
        def label(self, request): return request.features["no such feature"]
    class NoClass(Good):
        def label(self, request): return "malware"
    class NoPlace(Good):
        def label(self, request): return 3
    class NoConfidence(Good):
        def label(self, request): return Labelled("scan", float("nan"))
    class TooMany(Good):
        def label_all(self, requests): return ["scan"] * (len(requests) + 1)
    class Incomplete(Labeler): pass
    class NoLabeler: pass
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "labels.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def hello(**options: Any) -> Frame:
    return Frame({
        "request": "hello", "id": 1, "protocol": 1, "role": "labeler", "function": "test", "inputs": 2,
        "features": ["rate", "log2(1+bytes)"], "classes": ["benign", "attack", "scan"], "options": options,
    })


def ask(identifiers: list[int], **tensors: np.ndarray) -> Frame:
    count = len(identifiers)
    names = ["packets"] if "facts" in tensors else []
    columns = {
        "id": np.array(identifiers, np.uint64), "time": np.zeros(count, np.uint64),
        "features": np.ones((count, 2), np.float32), "prediction": np.zeros(count, np.float32),
        "margin": np.zeros(count, np.float32),
    }
    return Frame({"request": "label", "id": 2, "flows": count, "facts": names}, columns | tensors)


def test_the_runner_keeps_the_contract_over_a_real_channel(module) -> None:
    with Process("labels:Good", str(module), program="medulla.labeler") as process:
        assert process.ask(hello()).fields == {
            "answer": "ok", "id": 1, "protocol": 1, "role": "labeler", "name": "labels:Good"}
        facts = np.array([[np.nan], [3], [np.nan], [np.nan]]).view(np.uint64)
        source = np.zeros((4, 16), np.uint8)
        source[0] = [*[0] * 10, 255, 255, 192, 0, 2, 1]
        answer = process.ask(ask(
            [2**64 - 1, 1, 2, 3], facts=facts, source=source, destination=np.zeros((4, 16), np.uint8),
            ports=np.array([[1, 443], [0, 0], [0, 0], [0, 0]], np.uint64),
            transport=np.array([6, 0, 0, 0], np.uint8), prediction=np.array([0, 0, -1, 1], np.float32)))
        assert answer.tensors["id"].tolist() == [2**64 - 1, 1, 2, 3]
        assert answer.tensors["label"].tolist() == [1, 2, -1, 1]
        assert answer.tensors["confidence"].tolist() == [0.25, 1, 1, 1]
        assert process.progress[0].fields["figures"] == {"rate": 1}
        assert process.ask(Frame({"request": "close", "id": 5})).fields["answer"] == "ok"
        assert process.process.wait(10) == 0


def test_labels_of_earlier_requests_may_come_late() -> None:
    runner = Runner("labels:Late")
    assert runner.answer(hello()).fields["answer"] == "ok"
    assert runner.answer(ask([7])).tensors["label"].tolist() == [-1]
    answer = runner.answer(ask([8]))
    assert answer.tensors["id"].tolist() == [8, 7] and answer.tensors["label"].tolist() == [-1, 2]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Crashes", "no such feature"), ("NoClass", "'malware', which is none of"), ("NoPlace", "gave 3"),
        ("NoConfidence", "confidence nan"), ("TooMany", "3 answers to 2"),
    ],
)
def test_a_class_that_breaks_the_contract_is_told(name: str, says: str) -> None:
    runner = Runner(f"labels:{name}")
    assert runner.answer(hello()).fields["answer"] == "ok"
    answer = runner.answer(ask([1, 2]))
    assert answer.fields["answer"] == "error" and re.search(says, answer.fields["message"])
    assert "Traceback" in answer.fields["traceback"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("labels", "not of the form"), ("labels:Nobody", "no class"), ("labels:NoLabeler", "no medulla.Labeler"),
        ("labels:Incomplete", "has no label"), ("labels:Adapter", "no medulla.Labeler"),
    ],
)
def test_only_a_labeler_is_loaded(name: str, says: str) -> None:
    with pytest.raises(LabelerError, match=says):
        load(name)


def test_who_wants_an_adapter_is_told_so() -> None:
    from medulla.adapter.runner import Runner as AdapterRunner

    greeting = hello()
    message = AdapterRunner("labels:Good").answer(greeting).fields["message"]
    assert "medulla.labeler" in message
    del greeting.fields["role"]
    assert "medulla.adapter" in Runner("labels:Good").answer(greeting).fields["message"]
    assert "before hello" in Runner("labels:Good").answer(ask([1])).fields["message"]


def model(path: str, weights: np.ndarray, bias: np.ndarray, rows: int | str = "n", ends: str | None = None) -> str:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    last = "logits" if ends else "out"
    nodes = [helper.make_node("Gemm", ["in", "w", "b"], [last])]
    if ends:
        nodes.append(helper.make_node(ends, [last], ["out"]))
    graph = helper.make_graph(
        nodes, "larger", [helper.make_tensor_value_info("in", TensorProto.FLOAT, [rows, weights.shape[0]])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [rows, weights.shape[1]])],
        [numpy_helper.from_array(weights.astype(np.float32), "w"),
         numpy_helper.from_array(bias.astype(np.float32), "b")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


WEIGHTS = np.array([[1.0, -1, 0.5], [0.25, 0.5, -1]])
BIAS = np.array([0.1, 0, -0.2])


@pytest.mark.parametrize("ends", [None, "Softmax"])
@pytest.mark.parametrize("rows", ["n", 1])
def test_a_network_labels_by_its_most_probable_class(tmp_path, rows: int | str, ends: str | None) -> None:
    pytest.importorskip("onnxruntime")
    path = model(str(tmp_path / "larger.onnx"), WEIGHTS, BIAS, rows, ends)
    runner = Runner("medulla.labeler:OnnxLabeler")
    assert runner.answer(hello(model=path, confidence=0.6)).fields["answer"] == "ok"
    features = np.random.default_rng(5).normal(size=(40, 2)).astype(np.float32) * 2
    answer = runner.answer(ask(list(range(40)), features=features))
    powers = np.exp(features @ WEIGHTS + BIAS)
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    expected = np.where(probabilities.max(axis=1) >= 0.6, probabilities.argmax(axis=1), -1)
    assert answer.tensors["label"].tolist() == expected.tolist()
    assert (expected == -1).any() and (expected >= 0).any()
    sure = expected >= 0
    assert np.allclose(answer.tensors["confidence"][sure], probabilities.max(axis=1)[sure], atol=1e-5)


def test_a_network_may_take_facts_and_give_one_output(tmp_path) -> None:
    pytest.importorskip("onnxruntime")
    path = model(str(tmp_path / "one.onnx"), np.array([[2.0], [0]]), np.array([-1.0]))
    runner = Runner("medulla.labeler:OnnxLabeler")
    options = {"model": path, "inputs": ["packets", "rate"], "classes": ["benign", "scan"], "outputs": "logits"}
    assert runner.answer(hello(**options)).fields["answer"] == "ok"
    facts = np.array([[0.0], [3.0], [np.nan]]).view(np.uint64)
    answer = runner.answer(ask([1, 2, 3], facts=facts))
    assert answer.tensors["label"].tolist() == [0, 2, -1], "a flow that lacks a fact has no label"
    assert runner.answer(ask([4])).tensors["label"].tolist() == [-1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "`model` must be"), ({"confidence": 2}, "not 0 to 1"), ({"outputs": "odds"}, "'odds'"),
        ({"classes": ["benign", "malware", "scan"]}, "no class malware"), ({"inputs": ["rate"]}, "takes 2 inputs"),
        ({"classes": ["benign", "scan"]}, "no output of 2 classes"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path, options: dict, says: str) -> None:
    pytest.importorskip("onnxruntime")
    if options:
        options = options | {"model": model(str(tmp_path / "larger.onnx"), WEIGHTS, BIAS)}
    answer = Runner("medulla.labeler:OnnxLabeler").answer(hello(**options))
    assert answer.fields["answer"] == "error" and says in answer.fields["message"]
