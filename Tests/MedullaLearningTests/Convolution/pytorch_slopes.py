"""Writes pytorch_slopes.json: what PyTorch makes of a small network, for ConvolutionReferenceTests.

    python pytorch_slopes.py > pytorch_slopes.json

Its loss and slopes for a batch, and its parameters after three steps of SGD with momentum and of Adam.
"""

import copy
import json

import torch
from torch import nn

torch.manual_seed(5)
LAYERS = [nn.Conv2d(2, 3, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(3, 4, 2), nn.ReLU(), nn.Flatten(),
          nn.Linear(24, 5), nn.ReLU(), nn.Linear(5, 3)]
network = nn.Sequential(*LAYERS)
images = torch.randn(4, 2, 11, 9)
labels = torch.tensor([0, 2, 1, 2])
loss_of = nn.CrossEntropyLoss()


def flat(tensors):
    return [float(f"{value:.9g}") for tensor in tensors for value in tensor.detach().flatten().tolist()]


def after(make):
    own = copy.deepcopy(network)
    optimizer = make(own.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        loss_of(own(images), labels).backward()
        optimizer.step()
    return flat(own.parameters())


loss = loss_of(network(images), labels)
loss.backward()
print(json.dumps({
    "torch": torch.__version__,
    "parameters": flat(network.parameters()),
    "images": flat([images]),
    "labels": labels.tolist(),
    "loss": loss.item(),
    "slopes": flat(parameter.grad for parameter in network.parameters()),
    "momentum": after(lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.5)),
    "adam": after(lambda parameters: torch.optim.Adam(parameters, lr=0.01)),
}))
