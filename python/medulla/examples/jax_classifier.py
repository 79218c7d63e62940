"""Classification in JAX: learn the class of each sample, whose number is one of its outcomes.

``class = "medulla.examples.jax_classifier:Classifier"``. Options as in ``numpy_regression``; the network's
outputs are the classes' scores, or with a softmax at its end their probabilities; cross-entropy is the loss.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from medulla import Adapter, Batch, Dense, Greeting, Network, Progress
from medulla.examples.numpy_regression import Replay, target_of

_FUNCTIONS = {
    "identity": lambda x: x,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "softmax": jax.nn.softmax,
}


class Classifier(Adapter):
    """Cross-entropy by Adam on minibatches from a replay memory, compiled once."""

    MINIBATCH = 64

    def __init__(self, greeting: Greeting) -> None:
        if greeting.network is None:
            raise ValueError("this example learns networks of dense layers")
        self.options = greeting.options
        self.classes = greeting.outputs
        self.name = greeting.network.name
        self.activations = [layer.activation for layer in greeting.network.layers]
        self.parameters = [(jnp.array(l.weight), jnp.array(l.bias)) for l in greeting.network.layers]
        self.mean = jax.tree.map(jnp.zeros_like, self.parameters)
        self.square = jax.tree.map(jnp.zeros_like, self.parameters)
        self.rate = float(self.options.get("rate", 0.003))
        self.steps = int(self.options.get("steps", 32))
        self.replay = Replay(int(self.options.get("replay", 4096)))
        self.generator = np.random.default_rng(int(self.options.get("seed", 0)))
        self.count = 0
        self.loss = 0.0
        self._outputs = jax.jit(self._forward)
        self._update = jax.jit(self._step)

    def _scores(self, parameters, inputs):
        """What a softmax is taken of: the outputs, without the softmax that the network may end in."""
        values = inputs
        for index, ((weight, bias), activation) in enumerate(zip(parameters, self.activations)):
            values = values @ weight.T + bias
            if index < len(parameters) - 1 or activation != "softmax":
                values = _FUNCTIONS[activation](values)
        return values

    def _forward(self, parameters, inputs):
        scores = self._scores(parameters, inputs)
        return jax.nn.softmax(scores) if self.activations[-1] == "softmax" else scores

    def _step(self, parameters, mean, square, count, inputs, labels):
        def loss(parameters):
            scores = jax.nn.log_softmax(self._scores(parameters, inputs))
            return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], axis=1))

        value, gradient = jax.value_and_grad(loss)(parameters)
        mean = jax.tree.map(lambda m, g: m + 0.1 * (g - m), mean, gradient)
        square = jax.tree.map(lambda s, g: s + 0.001 * (g * g - s), square, gradient)
        parameters = jax.tree.map(
            lambda p, m, s: p
            - self.rate * (m / (1 - 0.9**count)) / (jnp.sqrt(s / (1 - 0.999**count)) + 1e-8),
            parameters, mean, square,
        )
        return value, parameters, mean, square

    def freeze(self) -> Network:
        return Network(
            [Dense(np.asarray(w), np.asarray(b), a) for (w, b), a in zip(self.parameters, self.activations)], self.name
        )

    def evaluate(self, inputs: np.ndarray) -> np.ndarray:
        return np.asarray(self._outputs(self.parameters, jnp.array(inputs)))

    def adapt(self, batch: Batch) -> Progress:
        if len(batch):
            labels = target_of(batch, self.options)
            known = ((labels >= 0) & (labels < self.classes)).all(axis=1)
            self.replay.add(batch.features[known], labels[known])
        if len(self.replay):
            losses = []
            for _ in range(self.steps):
                self.count += 1
                inputs, labels = self.replay.draw(self.generator, self.MINIBATCH)
                value, self.parameters, self.mean, self.square = self._update(
                    self.parameters, self.mean, self.square, float(self.count), jnp.array(inputs),
                    jnp.array(labels[:, 0], dtype=jnp.int32),
                )
                losses.append(float(value))
            self.loss = float(np.mean(losses))
        return Progress(self.loss, {"loss": self.loss, "replay": len(self.replay)})
