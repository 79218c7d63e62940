"""Writes networks of known shapes as ONNX files, with seeded weights.

The weights are drawn from a seeded generator and not trained: these networks have the size, the layers and so
the times of the ones that they are named after, and their answers mean nothing.

    vgg11             VGG-11 at 224x224: 8 convolutions, 3 dense layers, 1,000 outputs
    tiny_yolo         the layers of Tiny YOLO v2 at 416x416: 9 convolutions, 125x13x13 outputs
    mnist_cnn         two convolutions of 5x5 and two dense layers at 28x28, 10 outputs
    vgg11_small       the layers of vgg11 at 32x32, an eighth of the channels
    tiny_yolo_small   the layers of tiny_yolo at 96x96, an eighth of the channels

Usage: seeded_models.py FOLDER [--seed N] [NAME...]
The first three are written where none is named.
"""

import argparse
import os
import zlib

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

OPSET = 13
IR_VERSION = 8


class Chain:
    """Layers one after the other, from `input` on."""

    def __init__(self, name, shape, seed):
        self.name = name
        self.shape = list(shape)
        self.random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        self.nodes = []
        self.weights = []
        self.last = "input"
        self.input = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *shape])

    def add(self, operator, parameters=(), **attributes):
        output = f"layer{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [self.last, *parameters], [output], **attributes))
        self.last = output

    def parameter(self, values):
        name = f"parameter{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def drawn(self, shape, inputs):
        """Weights that keep the scale of what passes through layers with ReLU."""
        values = self.random.standard_normal(shape, dtype=np.float32)
        return self.parameter(values * np.float32(np.sqrt(2 / inputs)))

    def convolution(self, channels, size, padding):
        inputs, height, width = self.shape
        weights = self.drawn((channels, inputs, size, size), inputs * size * size)
        bias = self.parameter(self.random.uniform(-0.1, 0.1, channels))
        self.add("Conv", [weights, bias], kernel_shape=[size, size], pads=[padding] * 4)
        self.shape = [channels, height + 2 * padding - size + 1, width + 2 * padding - size + 1]
        return self

    def pool(self, stride=2):
        """Of 2x2; with stride 1 padded at the end, so that the size stays."""
        pads = [0, 0, 2 - stride, 2 - stride]
        self.add("MaxPool", kernel_shape=[2, 2], strides=[stride, stride], pads=pads)
        channels, height, width = self.shape
        self.shape = [channels, (height - stride % 2) // stride + stride % 2,
                      (width - stride % 2) // stride + stride % 2]
        return self

    def relu(self):
        self.add("Relu")
        return self

    def leaky(self):
        self.add("LeakyRelu", alpha=0.1)
        return self

    def flatten(self):
        self.add("Flatten", axis=1)
        self.shape = [int(np.prod(self.shape))]
        return self

    def dense(self, outputs):
        (inputs,) = self.shape
        weights = self.drawn((outputs, inputs), inputs)
        bias = self.parameter(self.random.uniform(-0.1, 0.1, outputs))
        self.add("Gemm", [weights, bias], transB=1)
        self.shape = [outputs]
        return self

    def model(self):
        self.nodes[-1].output[0] = "output"
        output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, *self.shape])
        graph = helper.make_graph(self.nodes, self.name, [self.input], [output], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        checker.check_model(model, full_check=True)
        return model


def vgg11(name, seed, size=224, part=1, outputs=1000):
    chain = Chain(name, (3, size, size), seed)
    for block in ([64], [128], [256, 256], [512, 512], [512, 512]):
        for channels in block:
            chain.convolution(channels // part, 3, 1).relu()
        chain.pool()
    chain.flatten()
    return chain.dense(4096 // part).relu().dense(4096 // part).relu().dense(outputs)


def tiny_yolo(name, seed, size=416, part=1, outputs=125):
    chain = Chain(name, (3, size, size), seed)
    for channels in (16, 32, 64, 128, 256):
        chain.convolution(channels // part, 3, 1).leaky().pool()
    chain.convolution(512 // part, 3, 1).leaky().pool(stride=1)
    for _ in range(2):
        chain.convolution(1024 // part, 3, 1).leaky()
    return chain.convolution(outputs, 1, 0)


def mnist_cnn(name, seed):
    chain = Chain(name, (1, 28, 28), seed)
    chain.convolution(10, 5, 0).relu().pool().convolution(20, 5, 0).relu().pool()
    return chain.flatten().dense(50).relu().dense(10)


MODELS = {
    "vgg11": vgg11,
    "tiny_yolo": tiny_yolo,
    "mnist_cnn": mnist_cnn,
    "vgg11_small": lambda name, seed: vgg11(name, seed, size=32, part=8, outputs=100),
    "tiny_yolo_small": lambda name, seed: tiny_yolo(name, seed, size=96, part=8, outputs=25),
}


def main():
    parser = argparse.ArgumentParser(description="Writes ONNX networks with seeded weights.")
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODELS))
    options = parser.parse_intermixed_args()
    names = options.names or ["vgg11", "tiny_yolo", "mnist_cnn"]
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        parser.error(f"no network {unknown[0]}; there are {', '.join(MODELS)}")
    os.makedirs(options.folder, exist_ok=True)
    for name in names:
        chain = MODELS[name](name, options.seed)
        save(chain.model(), os.path.join(options.folder, name + ".onnx"))


if __name__ == "__main__":
    main()
