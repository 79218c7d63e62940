"""Regression in PyTorch: the same task and options as ``numpy_regression``, any number of dense layers.

``class = "medulla.examples.torch_regression:Regression"``
"""

from __future__ import annotations

import numpy as np
import torch

from medulla import Adapter, Batch, Dense, Greeting, Network, Progress
from medulla.examples.numpy_regression import Replay, target_of

_MODULES = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}


def module_of(network: Network) -> torch.nn.Sequential:
    """The network as a PyTorch module with the same weights."""
    parts: list[torch.nn.Module] = []
    for layer in network.layers:
        linear = torch.nn.Linear(layer.weight.shape[1], layer.weight.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(layer.weight))
            linear.bias.copy_(torch.from_numpy(layer.bias))
        parts.append(linear)
        if layer.activation != "identity":
            parts.append(_MODULES[layer.activation]())
    return torch.nn.Sequential(*parts)


def network_of(module: torch.nn.Sequential, name: str = "network") -> Network:
    """A chain of ``Linear`` and activations as a network that Medulla takes."""
    names = {kind: name for name, kind in _MODULES.items()}
    layers: list[Dense] = []
    for part in module:
        if isinstance(part, torch.nn.Linear):
            layers.append(Dense(part.weight.detach().numpy(), part.bias.detach().numpy()))
        else:
            layers[-1].activation = names[type(part)]
    return Network(layers, name)


class Regression(Adapter):
    """Least squares by Adam on minibatches from a replay memory."""

    MINIBATCH = 64

    def __init__(self, greeting: Greeting) -> None:
        if greeting.network is None:
            raise ValueError("this example learns networks of dense layers")
        torch.set_num_threads(1)  # The networks are small, and the packets need the other cores.
        self.options = greeting.options
        self.name = greeting.network.name
        self.module = module_of(greeting.network)
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=float(self.options.get("rate", 0.003)))
        self.replay = Replay(int(self.options.get("replay", 4096)))
        self.steps = int(self.options.get("steps", 32))
        self.generator = np.random.default_rng(int(self.options.get("seed", 0)))
        self.loss = 0.0

    def freeze(self) -> Network:
        return network_of(self.module, self.name)

    @torch.no_grad()
    def evaluate(self, inputs: np.ndarray) -> np.ndarray:
        return self.module(torch.tensor(inputs)).numpy()

    def adapt(self, batch: Batch) -> Progress:
        if len(batch):
            self.replay.add(batch.features, target_of(batch, self.options))
        if len(self.replay):
            losses = []
            for _ in range(self.steps):
                features, targets = self.replay.draw(self.generator, self.MINIBATCH)
                loss = torch.nn.functional.mse_loss(self.module(torch.tensor(features)), torch.tensor(targets))
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                losses.append(float(loss.detach()))
            self.loss = float(np.mean(losses))
        return Progress(self.loss, {"loss": self.loss, "replay": len(self.replay)})
