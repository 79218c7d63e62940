"""PPO in PyTorch that keeps a congestion control trained for the network that it sees.

``class = "medulla.examples.torch_congestion:Policy"``. Each round estimates the paths' rate and round trip from
the live samples, and plays ``rounds`` rounds of PPO on such paths in the simulator, starting from the network
that runs. Learning in the live flows themselves would need noise in their actions.

Options: ``rounds`` (default 1), ``envs`` (4), ``horizon`` (128), ``rate`` (0.0003), ``seed``. A round of the
defaults takes about 0.2 s; give the adapter a deadline of seconds.
"""

from __future__ import annotations

import numpy as np
import torch

import medulla.envs
from medulla import Adapter, Batch, Greeting, Network, Progress
from medulla.examples.ppo_torch import PPO, Options
from medulla.examples.torch_regression import module_of


def paths_of(batch: Batch) -> dict[str, tuple[float, float]] | None:
    """Ranges of bandwidth (Mbit/s) and round trip (ms) around what the samples show; None when too few do."""
    rate = batch.outcome("delivery_rate") * 8e-6 * 1500 / 1448
    floor = batch.outcome("min_rtt_us") * 1e-3
    usable = (rate > 0) & (floor > 0)
    if usable.sum() < 8:
        return None
    # What a flow got is at most what the path has: the upper tail is the better estimate of it.
    top = float(np.clip(np.percentile(rate[usable], 90), 0.2, 5000))
    low, high = np.clip(np.percentile(floor[usable], [10, 90]), 0.2, 1000)
    return {"bandwidth": (top / 2, top * 2), "rtt": (float(low) / 1.5, float(high) * 1.5)}


class Policy(Adapter):
    """See the module."""

    def __init__(self, greeting: Greeting) -> None:
        network = greeting.network
        if network is None or (network.inputs, network.outputs) != (30, 1):
            raise ValueError("this example adapts a congestion control of 30 features and one action")
        options = greeting.options
        # The inverse of `export`: training sees normalized observations and actions.
        inner = network.with_outputs_scaled(1 / medulla.envs.ACTION_SCALE)
        inner = inner.with_inputs_normalized(np.zeros(30), 1 / medulla.envs.SCALE)
        first = inner.layers[0]
        first.bias = first.bias + first.weight @ (medulla.envs.CENTER * medulla.envs.SCALE)
        self.rounds = int(options.get("rounds", 1))
        self.name = network.name
        self.ppo = PPO(
            module_of(inner),
            Options(
                envs=int(options.get("envs", 4)), horizon=int(options.get("horizon", 128)), epochs=4,
                rate=float(options.get("rate", 3e-4)), log_deviation=-2.0, seed=int(options.get("seed", 1)),
            ),
        )
        self.paths: dict[str, tuple[float, float]] | None = None
        self.report = greeting

    def freeze(self) -> Network:
        return self.ppo.network(self.name)

    def evaluate(self, inputs: np.ndarray) -> np.ndarray:
        return self.ppo.network()(inputs)

    def adapt(self, batch: Batch) -> Progress:
        seen = paths_of(batch) if len(batch) else None
        if seen and seen != self.paths and self._is_new(seen):
            self.paths = seen
            self.ppo.change_paths(**seen)
        figures: dict[str, float] = {}
        for index in range(self.rounds):
            figures = self.ppo.round()
            self.report.report(f"round {index + 1} of {self.rounds}", **figures)
        return Progress(figures["reward"], figures)

    def _is_new(self, seen: dict[str, tuple[float, float]]) -> bool:
        """Paths that move by less than a quarter are the same ones."""
        if self.paths is None:
            return True
        return any(
            not 0.8 < now / before < 1.25
            for name in seen
            for now, before in zip(seen[name], self.paths[name])
        )

    def close(self) -> None:
        self.ppo.close()
