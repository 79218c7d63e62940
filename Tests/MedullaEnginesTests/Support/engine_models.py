"""Writes small ONNX models into a folder, one for each thing that engines must get right.

Usage: engine_models.py FOLDER
"""

import os
import sys

import numpy as np
from onnx import TensorProto as T, helper, numpy_helper, save

ELEMENTS = {
    "float32": T.FLOAT, "float16": T.FLOAT16, "float64": T.DOUBLE, "bfloat16": T.BFLOAT16, "int8": T.INT8,
    "int16": T.INT16, "int32": T.INT32, "int64": T.INT64, "uint8": T.UINT8, "uint16": T.UINT16,
    "uint32": T.UINT32, "uint64": T.UINT64, "bool": T.BOOL,
}


def tensor(name, element, shape):
    return helper.make_tensor_value_info(name, element, shape)


def constant(name, values, kind=np.float32):
    return numpy_helper.from_array(np.array(values, kind), name)


def write(folder, name, nodes, inputs, outputs, constants=(), domain=""):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(constants))
    opsets = [helper.make_opsetid("", 17)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 8
    save(model, os.path.join(folder, name + ".onnx"))


def main(folder):
    node = helper.make_node
    write(folder, "open_batch", [
        node("Mul", ["x", "two"], ["doubled"]), node("Add", ["doubled", "one"], ["y"]),
        node("ReduceSum", ["x", "axes"], ["total"], keepdims=0),
    ], [tensor("x", T.FLOAT, ["n", 3])], [tensor("y", T.FLOAT, ["n", 3]), tensor("total", T.FLOAT, ["n"])], [
        constant("two", [2]), constant("one", [1]), constant("axes", [1], np.int64)])
    write(folder, "two_inputs", [
        node("Add", ["a", "b"], ["sum"]), node("Cast", ["sum"], ["share"], to=T.FLOAT),
        node("Sub", ["a", "b"], ["difference"]),
    ], [tensor("a", T.INT64, [4]), tensor("b", T.INT64, [4])],
        [tensor("sum", T.INT64, [4]), tensor("share", T.FLOAT, [4]), tensor("difference", T.INT64, [4])])
    for name, element in ELEMENTS.items():
        write(folder, "same_" + name, [node("Identity", ["x"], ["y"])],
              [tensor("x", element, [2, 3])], [tensor("y", element, [2, 3])])
    write(folder, "scalar", [node("Mul", ["x", "x"], ["y"])], [tensor("x", T.FLOAT, [])],
          [tensor("y", T.FLOAT, [])])
    write(folder, "folded", [node("Add", ["one", "one"], ["y"]), node("Relu", ["x"], ["z"])],
          [tensor("x", T.FLOAT, [2])], [tensor("y", T.FLOAT, [2]), tensor("z", T.FLOAT, [2])],
          [constant("one", [1, 2])])
    write(folder, "weights_out", [node("Relu", ["x"], ["z"])], [tensor("x", T.FLOAT, [2])],
          [tensor("one", T.FLOAT, [2]), tensor("z", T.FLOAT, [2])], [constant("one", [1, 2])])
    write(folder, "reshaped", [node("Reshape", ["x", "shape"], ["y"])], [tensor("x", T.FLOAT, ["n", 4])],
          [tensor("y", T.FLOAT, ["m", 2])], [constant("shape", [-1, 2], np.int64)])
    write(folder, "data_dependent", [node("NonZero", ["x"], ["y"])], [tensor("x", T.FLOAT, [4])],
          [tensor("y", T.INT64, [1, "found"])])
    write(folder, "texts", [node("Identity", ["x"], ["y"])], [tensor("x", T.STRING, [2])],
          [tensor("y", T.STRING, [2])])
    parts = helper.make_tensor_sequence_value_info("y", T.FLOAT, None)
    write(folder, "sequence", [node("SplitToSequence", ["x"], ["y"], axis=0)], [tensor("x", T.FLOAT, [2, 2])],
          [parts])
    write(folder, "unknown_operator", [node("NoSuch", ["x"], ["y"], domain="nobody")],
          [tensor("x", T.FLOAT, [2])], [tensor("y", T.FLOAT, [2])], domain="nobody")
    with open(os.path.join(folder, "garbage.onnx"), "wb") as file:
        file.write(bytes(range(256)))


if __name__ == "__main__":
    main(sys.argv[1])
