#!/usr/bin/env python3
"""Trains the convolutional network that is spread over a fabric, in PyTorch, and writes it as ONNX.

The layers are mini-AlexNet's: three convolutions of 3x3, each with ReLU and a pool of 2x2, then three dense
layers; by default with its 64, 192, 384 filters and 4,096, 2,048 neurons (15.5 million parameters). Images
are 32x32 in three colours, as bytes: Fashion-MNIST (Debian's dataset-fashion-mnist), padded by two pixels on
each side and the same in each colour; or CIFAR-10, its binary version, where you have it.

Writes to the folder OUT
    network.onnx      takes pixels of 0 to 255, gives a score for each class
    calibration.npy   images of the training set (bytes, N x 3 x 32 x 32)
    test.npy          all images of the test set, and
    test-labels.txt   their classes, one a line
    classes.txt       the names of the classes

    train.py OUT [--data fashion-mnist | cifar-10] [--folder DIR] [--filters N N N] [--neurons N N]
             [--epochs N] [--seed N] [--test-images N]
"""
import argparse
import gzip
import pathlib
import time

import numpy as np
import onnx
import torch
from torch import nn

from images import FASHION_CLASSES, FASHION_FOLDER

FOLDERS = {"fashion-mnist": FASHION_FOLDER, "cifar-10": "cifar-10-batches-bin"}
CLASSES = {
    "fashion-mnist": FASHION_CLASSES,
    "cifar-10": "airplane automobile bird cat deer dog frog horse ship truck".split(),
}
BATCH = 128
CALIBRATION = 512


def idx(path):
    """An array in the IDX format of MNIST."""
    data = gzip.decompress(path.read_bytes())
    axes = data[3]
    shape = [int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(axes)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def fashion(folder, part):
    images = idx(folder / f"{part}-images-idx3-ubyte.gz")
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    return np.repeat(padded[:, None], 3, axis=1), idx(folder / f"{part}-labels-idx1-ubyte.gz")


def cifar(folder, names):
    rows = np.concatenate([np.fromfile(folder / name, np.uint8).reshape(-1, 3_073) for name in names])
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0]


def read(data, folder):
    """Images and labels to train on, and to test with."""
    if data == "fashion-mnist":
        return fashion(folder, "train"), fashion(folder, "t10k")
    batches = [f"data_batch_{part}.bin" for part in range(1, 6)]
    return cifar(folder, batches), cifar(folder, ["test_batch.bin"])


class Pixels(nn.Module):
    """Bytes to 0...1."""

    def forward(self, images):
        return images / 255


def network(filters, neurons):
    layers, channels = [Pixels()], 3
    for count in filters:
        layers += [nn.Conv2d(channels, count, 3), nn.ReLU(), nn.MaxPool2d(2)]
        channels = count
    layers.append(nn.Flatten())
    inputs = channels * 4
    for count in neurons:
        layers += [nn.Linear(inputs, count), nn.ReLU()]
        inputs = count
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def learn(model, images, labels, epochs, rate):
    """Adam on the cross-entropy; the rate falls along half a cosine, images are mirrored by chance."""
    steps = epochs * (len(images) // BATCH)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    started = time.monotonic()
    for epoch in range(epochs):
        order = torch.randperm(len(images))[: len(images) // BATCH * BATCH].reshape(-1, BATCH)
        losses = []
        for places in order:
            batch = images[places].float()
            mirrored = torch.rand(BATCH) < 0.5
            batch[mirrored] = batch[mirrored].flip(3)
            loss = nn.functional.cross_entropy(model(batch), labels[places])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        seconds = time.monotonic() - started
        print(f"epoch {epoch + 1} of {epochs}: loss {np.mean(losses):.4f}, {seconds:.0f} s", flush=True)


@torch.no_grad()
def accuracy(model, images, labels):
    answers = [model(images[start : start + 500].float()).argmax(1) for start in range(0, len(images), 500)]
    return (torch.cat(answers) == labels).float().mean().item()


def main():
    options = argparse.ArgumentParser(description="Trains the network that is spread over a fabric.")
    options.add_argument("out", type=pathlib.Path)
    options.add_argument("--data", choices=sorted(FOLDERS), default="fashion-mnist")
    options.add_argument("--folder", type=pathlib.Path, help="where the data are")
    options.add_argument("--filters", type=int, nargs=3, default=[64, 192, 384])
    options.add_argument("--neurons", type=int, nargs=2, default=[4_096, 2_048])
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--rate", type=float, default=0.001)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--test-images", type=int, default=10_000)
    options = options.parse_args()

    torch.manual_seed(options.seed)
    folder = options.folder or pathlib.Path(FOLDERS[options.data])
    if not folder.is_dir():
        raise SystemExit(f"{folder}: there are no data. Install dataset-fashion-mnist, or name --folder.")
    (images, labels), (test_images, test_labels) = read(options.data, folder)
    tensors = [torch.from_numpy(np.array(part)) for part in (images, labels, test_images, test_labels)]
    model = network(options.filters, options.neurons)
    print(f"{sum(part.numel() for part in model.parameters()):,} parameters, {len(images):,} images")
    learn(model, tensors[0], tensors[1].long(), options.epochs, options.rate)
    model.eval()
    right = accuracy(model, tensors[2], tensors[3])
    print(f"accuracy of the floats on {len(test_images):,} test images: {right:.4f}")

    options.out.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        model, torch.zeros(1, 3, 32, 32), str(options.out / "network.onnx"), dynamo=False,
        input_names=["pixels"], output_names=["scores"])
    graph = onnx.load(options.out / "network.onnx")
    graph.graph.name = options.out.name
    onnx.save(graph, options.out / "network.onnx")
    chosen = np.random.default_rng(options.seed).permutation(len(images))[:CALIBRATION]
    np.save(options.out / "calibration.npy", images[chosen])
    np.save(options.out / "test.npy", test_images[: options.test_images])
    labels = "".join(f"{label}\n" for label in test_labels[: options.test_images])
    (options.out / "test-labels.txt").write_text(labels)
    (options.out / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES[options.data]))


if __name__ == "__main__":
    main()
