"""A network that was learned here becomes a snapshot by ``medulla compile``."""

import subprocess

import numpy as np
import pytest

from medulla import Batch, Greeting, Network
from medulla.examples.numpy_regression import Regression


def test_what_the_numpy_example_learned_compiles(medulla_program: str, tmp_path) -> None:
    known = subprocess.run([medulla_program, "compile", "--help"], capture_output=True, text=True)
    if "--calibration" not in known.stdout:
        pytest.skip("this medulla program has no `compile`")
    adapter = Regression(Greeting("test", 4, 1, ["x"], {"steps": 64}, Network.random([4, 16, 1], seed=1)))
    generator = np.random.default_rng(2)
    features = generator.uniform(-1, 1, (2000, 4)).astype(np.float32)
    words = np.arange(2000, dtype=np.uint64)
    truth = (features[:, :1] * features[:, 1:2]).astype(np.float32)
    batch = Batch(features, np.zeros((2000, 1), np.float32), truth, words, words, words, ["x"])
    losses = [adapter.adapt(batch).stability for _ in range(20)]
    assert losses[-1] < 0.2 * losses[0]
    weights = adapter.freeze().save(tmp_path / "product")
    np.save(tmp_path / "calibration.npy", features)
    bundle = tmp_path / "product.medulla"
    compiled = subprocess.run(
        [medulla_program, "compile", str(weights), "--calibration", str(tmp_path / "calibration.npy"),
         "-o", str(bundle)], capture_output=True, text=True,
    )
    assert compiled.returncode == 0, compiled.stderr
    assert bundle.is_dir()
