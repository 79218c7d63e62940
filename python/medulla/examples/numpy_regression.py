"""Regression in plain NumPy: learn one outcome of each sample from its features.

The daemon runs it by ``class = "medulla.examples.numpy_regression:Regression"``. Options:

``target``  column of the outcomes, or its name (default 0)
``scale``   what the outcome is divided by (default 1)
``rate``    learning rate of Adam (default 0.003)
``replay``  samples that are kept and learned from again (default 4096)
``steps``   minibatches a round (default 32)
``seed``    of the choice of minibatches
"""

from __future__ import annotations

import numpy as np

from medulla import Adapter, Batch, Dense, Greeting, Network, Progress


class Replay:
    """The last samples, oldest overwritten first.

    Rows that are not finite, or whose target is beyond ``LIMIT``, are left out: one absurd outcome would undo
    all that was learned.
    """

    LIMIT = 1e6

    def __init__(self, size: int) -> None:
        self.size = size
        self.features: np.ndarray | None = None
        self.targets: np.ndarray | None = None

    def add(self, features: np.ndarray, targets: np.ndarray) -> None:
        usable = np.isfinite(features).all(axis=1) & (np.abs(targets) <= self.LIMIT).all(axis=1)
        features, targets = features[usable], targets[usable]
        if self.features is not None and self.targets is not None:
            features = np.concatenate([self.features, features])
            targets = np.concatenate([self.targets, targets])
        self.features, self.targets = features[-self.size :], targets[-self.size :]

    def __len__(self) -> int:
        return 0 if self.features is None else len(self.features)

    def draw(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        assert self.features is not None and self.targets is not None
        rows = generator.integers(len(self.features), size=count)
        return self.features[rows], self.targets[rows]


def target_of(batch: Batch, options: dict) -> np.ndarray:
    """The outcome that the options name, ``[n, 1]``, divided by ``scale``; NaN where samples lack it."""
    target = options.get("target", 0)
    index = batch.outcome_names.index(target) if isinstance(target, str) else int(target)
    if index >= batch.outcomes.shape[1]:
        return np.full((len(batch), 1), np.nan, dtype=np.float32)
    return (batch.outcomes[:, [index]] / float(options.get("scale", 1))).astype(np.float32)


class Regression(Adapter):
    """Least squares by minibatches from a replay memory, with the gradients written out."""

    MINIBATCH = 64

    def __init__(self, greeting: Greeting) -> None:
        if greeting.network is None:
            raise ValueError("this example learns networks of dense layers")
        for layer in greeting.network.layers:
            if layer.activation not in ("identity", "relu", "tanh"):
                raise ValueError(f"this example has no gradient of {layer.activation}")
        if greeting.outputs != 1:
            raise ValueError(f"this example learns one output, not {greeting.outputs}")
        options = greeting.options
        self.options = options
        self.layers = [Dense(l.weight.copy(), l.bias.copy(), l.activation) for l in greeting.network.layers]
        self.name = greeting.network.name
        self.rate = float(options.get("rate", 0.003))
        self.steps = int(options.get("steps", 32))
        self.replay = Replay(int(options.get("replay", 4096)))
        self.generator = np.random.default_rng(int(options.get("seed", 0)))
        self.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in self._parameters()]
        self.count = 0
        self.loss = 0.0

    def _parameters(self) -> list[np.ndarray]:
        return [p for layer in self.layers for p in (layer.weight, layer.bias)]

    def freeze(self) -> Network:
        return Network([Dense(l.weight.copy(), l.bias.copy(), l.activation) for l in self.layers], self.name)

    def evaluate(self, inputs: np.ndarray) -> np.ndarray:
        return Network(self.layers)(inputs)

    def adapt(self, batch: Batch) -> Progress:
        if len(batch):
            self.replay.add(batch.features, target_of(batch, self.options))
        if len(self.replay):
            losses = [self._step(*self.replay.draw(self.generator, self.MINIBATCH)) for _ in range(self.steps)]
            self.loss = float(np.mean(losses))
        return Progress(self.loss, {"loss": self.loss, "replay": len(self.replay), "steps": self.count})

    def _step(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        values = [inputs]
        for layer in self.layers:
            linear = values[-1] @ layer.weight.T + layer.bias
            if layer.activation == "relu":
                linear = np.maximum(linear, 0)
            elif layer.activation == "tanh":
                linear = np.tanh(linear)
            values.append(linear)
        error = values[-1] - targets
        gradient = 2 * error / len(error)
        gradients: list[np.ndarray] = []
        for layer, before, after in zip(reversed(self.layers), reversed(values[:-1]), reversed(values[1:])):
            if layer.activation == "relu":
                gradient = gradient * (after > 0)
            elif layer.activation == "tanh":
                gradient = gradient * (1 - after * after)
            gradients = [gradient.T @ before, gradient.sum(axis=0), *gradients]
            gradient = gradient @ layer.weight
        self._adam(gradients)
        return float(np.mean(error * error))

    def _adam(self, gradients: list[np.ndarray]) -> None:
        self.count += 1
        for parameter, gradient, (mean, square) in zip(self._parameters(), gradients, self.moments):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient * gradient - square)
            unbiased = mean / (1 - 0.9**self.count)
            parameter -= self.rate * unbiased / (np.sqrt(square / (1 - 0.999**self.count)) + 1e-8)
