"""The example adapters learn, through the real runner."""

from __future__ import annotations

import numpy as np
import pytest
from peer import Process, adapt, hello

from medulla import Network
from medulla.frames import Frame


def outcomes(values: np.ndarray) -> np.ndarray:
    table = np.zeros((len(values), 8))
    table[:, 3] = values
    return table


def learn(process: Process, draw, rounds: int) -> list[float]:
    generator = np.random.default_rng(11)
    losses = []
    for index in range(rounds):
        features = generator.standard_normal((64, 4))
        answer = process.ask(adapt(features, np.zeros((64, 1)), outcomes(draw(features)), identifier=10 + index))
        assert answer.fields["answer"] == "ok", answer.fields.get("traceback")
        losses.append(answer.fields["stability"])
    return losses


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_regression_learns_an_outcome(library: str) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed")
    def truth(x: np.ndarray) -> np.ndarray:
        return 1000 * (np.tanh(x[:, 0]) - 0.5 * x[:, 1])

    network = Network.random([4, 16, 1], seed=1)
    with Process(f"medulla.examples.{library}_regression:Regression") as process:
        answer = process.ask(hello(network, target="rtt_us", scale=1000, steps=64))
        assert answer.fields["answer"] == "ok", answer.fields.get("traceback")
        losses = learn(process, truth, 30)
        assert losses[-1] < 0.05 * losses[0], losses
        inputs = np.random.default_rng(12).standard_normal((200, 4)).astype(np.float32)
        outputs = process.ask(Frame({"request": "evaluate", "id": 90}, {"inputs": inputs})).tensors["outputs"]
        error = np.mean((outputs[:, 0] - truth(inputs) / 1000) ** 2)
        assert error < 0.05
        frozen = process.ask(Frame({"request": "freeze", "id": 91}))
        again = Network.from_document(frozen.fields["model"], frozen.tensors)
        np.testing.assert_allclose(again(inputs), outputs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("last", ["identity", "softmax"])
def test_classification_learns_classes_in_jax(last: str) -> None:
    pytest.importorskip("jax", reason="jax is not installed")
    network = Network.random([4, 16, 3], seed=1)
    network.layers[-1].activation = last

    def label(x: np.ndarray) -> np.ndarray:
        return np.argmax(x[:, :3], axis=1)

    with Process("medulla.examples.jax_classifier:Classifier") as process:
        answer = process.ask(hello(network, target="rtt_us", steps=64))
        assert answer.fields["answer"] == "ok", answer.fields.get("traceback")
        losses = learn(process, label, 30)
        assert losses[-1] < 0.3 * losses[0], losses
        inputs = np.random.default_rng(12).standard_normal((300, 4)).astype(np.float32)
        outputs = process.ask(Frame({"request": "evaluate", "id": 90}, {"inputs": inputs})).tensors["outputs"]
        assert np.mean(outputs.argmax(axis=1) == label(inputs)) > 0.9
        frozen = process.ask(Frame({"request": "freeze", "id": 91}))
        again = Network.from_document(frozen.fields["model"], frozen.tensors)
        assert again.layers[-1].activation == last
        np.testing.assert_allclose(again(inputs), outputs, rtol=1e-3, atol=1e-4)


def test_congestion_learns_for_the_paths_that_the_samples_show(medulla_program: str) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("gymnasium", reason="gymnasium is not installed")
    network = Network.random([30, 32, 16, 1], seed=1).with_outputs_scaled(0.01)
    count = 64
    table = np.zeros((count, 8))
    table[:, 3], table[:, 4], table[:, 7] = 25_000, 20_000, 40e6 / 8
    request = adapt(np.tile([0, 1, 1], (count, 10)), np.zeros((count, 1)), table)
    with Process("medulla.examples.torch_congestion:Policy") as process:
        answer = process.ask(hello(network, rounds=15, rate=0.001))
        assert answer.fields["answer"] == "ok", answer.fields.get("traceback")
        inputs = np.tile(np.array([0, 1, 1], np.float32), (2, 10))
        inputs[1, -2] = 1.5
        evaluate = Frame({"request": "evaluate", "id": 3}, {"inputs": inputs})
        # What it was given comes back before it has learned: the maps in and out are each other's inverse.
        np.testing.assert_allclose(process.ask(evaluate).tensors["outputs"], network(inputs), atol=1e-4)
        # Two rounds are not enough with every version of PyTorch: the reward rises in the third.
        rewards = [process.ask(request).fields["stability"] for _ in range(4)]
        assert process.progress[-1].fields["figures"]["reward"] > process.progress[0].fields["figures"]["reward"]
        assert rewards[1] > -0.15, rewards
        assert rewards[-1] > rewards[0] + 0.05, rewards
