"""Networks: the wire, files, and the maps that are folded in."""

import json
import struct

import numpy as np
import pytest

from medulla import Dense, Network


def test_a_document_brings_the_network_back() -> None:
    network = Network.random([5, 4, 3], "relu", seed=2)
    document, tensors = network.document()
    inputs = np.random.default_rng(1).standard_normal((6, 5)).astype(np.float32)
    assert np.array_equal(Network.from_document(json.loads(json.dumps(document)), tensors)(inputs), network(inputs))


def test_folding_a_normalization_and_a_scale_changes_no_output() -> None:
    network = Network.random([3, 8, 2], seed=3)
    center, scale = np.array([1, 2, -3]), np.array([0.5, 4, 2])
    inputs = np.random.default_rng(4).standard_normal((20, 3)).astype(np.float32)
    folded = network.with_inputs_normalized(center, scale).with_outputs_scaled(5)
    np.testing.assert_allclose(folded(inputs), 5 * network((inputs - center) * scale), rtol=1e-4, atol=1e-5)


def test_saved_files_have_the_bytes_that_safetensors_defines(tmp_path) -> None:
    network = Network([Dense([[1, 2]], [3], "tanh"), Dense([[4]], [5])], "small")
    path = network.save(tmp_path / "small")
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert header["layer0.weight"] == {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}
    assert struct.unpack("<5f", data[8 + length :]) == (1, 2, 3, 4, 5)
    layers = json.loads((tmp_path / "small.layers.json").read_text())
    assert [entry["kind"] for entry in layers["layers"]] == ["dense", "tanh", "dense"]


@pytest.mark.parametrize("name", ["a-0.3", "a-0.3.safetensors", "v1.2.layers"])
def test_a_dot_in_a_name_is_part_of_it(tmp_path, name: str) -> None:
    network = Network.random([2, 1], seed=1)
    path = network.save(tmp_path / name)
    base = name.removesuffix(".safetensors")
    assert path == tmp_path / f"{base}.safetensors"
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([f"{base}.layers.json", f"{base}.safetensors"])


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "sigmoid", "softmax"])
def test_activations_are_finite_at_the_extremes(activation: str) -> None:
    network = Network([Dense(np.eye(2), [0, 0], activation)])
    assert np.isfinite(network(np.array([[1e4, -1e4]]))).all()


def test_layers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="gives 3 values"):
        Network([Dense(np.ones((3, 2)), np.zeros(3)), Dense(np.ones((1, 4)), np.zeros(1))])
    with pytest.raises(ValueError, match="needs weight"):
        Dense(np.ones((3, 2)), np.zeros(2))
