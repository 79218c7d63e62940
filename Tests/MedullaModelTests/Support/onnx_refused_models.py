"""Writes ONNX models that must be refused: DIR/NAME.onnx with DIR/NAME.code, the expected error code."""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DIRECTORY = pathlib.Path(sys.argv[1])


def refuse(code, name, nodes, constants=None, shape=("batch", 6), opset=17, domain="", change=None, output="y"):
    tensors = [numpy_helper.from_array(np.asarray(value), key) for key, value in (constants or {}).items()]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info(key, TensorProto.FLOAT, None) for key in output.split()]
    graph = helper.make_graph(nodes, name, inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, opset)], ir_version=8)
    if change:
        change(model)
    (DIRECTORY / f"{name}.onnx").write_bytes(model.SerializeToString())
    (DIRECTORY / f"{name}.code").write_text(code)


def node(kind, inputs, output="y", **attributes):
    return helper.make_node(kind, inputs.split(), output.split(), name=f"the_{kind}", **attributes)


def external(location, **entries):
    def change(model):
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, **entries}.items():
            tensor.external_data.add(key=key, value=str(value))

    return change


W = np.ones((6, 4), dtype=np.float32)
GEMM = [node("Gemm", "x w")]


def truncate(model):
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-1]


def empty(model):
    model.graph.initializer[0].ClearField("raw_data")


refuse("unsupportedOperator", "recurrent", [node("LSTM", "x w r", hidden_size=4)], {"w": W, "r": W})
refuse("unsupportedOperator", "unknown_function", [node("Sin", "x")])
refuse("unsupportedOperator", "skip_connection", [node("Relu", "x", "r"), node("Add", "r x")])
refuse("unsupportedOperator", "branch", [node("Relu", "x", "r"), node("Tanh", "x", "t"),
                                         node("Concat", "r t", axis=1)])
refuse("unsupportedOperator", "divides_by_input", [node("Div", "w x")], {"w": np.float32(1)})
refuse("unsupportedOperator", "weights_from_input", [node("Transpose", "x", "t"), node("Gemm", "x t")])
refuse("unsupportedOperator", "other_domain", [helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")])
refuse("unsupportedOpset", "opset_6", [node("Relu", "x")], opset=6)
refuse("unsupportedOpset", "opset_22", [node("Relu", "x")], opset=22)
refuse("malformedFile", "no_opset", [node("Relu", "x")], domain="elsewhere")
refuse("unsupportedAttribute", "ceil_over_edge", [node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)],
       shape=("batch", 1, 5, 5))
refuse("unsupportedAttribute", "dilated_pool", [node("MaxPool", "x", kernel_shape=[2, 2], dilations=[2, 2])],
       shape=("batch", 1, 5, 5))
refuse("unsupportedAttribute", "unknown_attribute", [node("Relu", "x", flavour=3)])
refuse("unsupportedAttribute", "last_index", [node("ArgMax", "x", axis=1, select_last_index=1)])
refuse("unsupportedAttribute", "negative_pads", [node("Conv", "x w", pads=[-1, 0, 0, 0])],
       {"w": np.ones((1, 1, 2, 2), np.float32)}, shape=("batch", 1, 5, 5))
refuse("unsupportedAttribute", "divides_by_zero", [node("Div", "x w")], {"w": np.float32(0)})
refuse("unsupportedAttribute", "not_finite", GEMM, {"w": W * np.float32(np.inf)})
refuse("malformedFile", "attribute_type", [node("LeakyRelu", "x", alpha=3)])
refuse("unsupportedShape", "fixed_batch", GEMM, {"w": W}, shape=(8, 6))
refuse("unsupportedShape", "symbolic_features", [node("Relu", "x")], shape=("batch", "features"))
refuse("unsupportedShape", "several_rows", [node("MatMul", "x w")], {"w": W}, shape=("batch", 3, 6))
refuse("unsupportedShape", "several_outputs", [node("Relu", "x"), node("Tanh", "x", "z")], output="y z")
refuse("unsupportedShape", "constant_output", [node("Identity", "w")], {"w": W})
refuse("unsupportedShape", "sliced_away", [node("Slice", "x b b a")], {"b": np.int64([1]), "a": np.int64([1])})
refuse("unsupportedShape", "huge_input", [node("Relu", "x")], shape=("batch", 1 << 40, 1 << 40))
refuse("unsupportedAttribute", "huge_window", [node("MaxPool", "x", kernel_shape=[1 << 20, 1])], shape=("b", 1, 4, 4))
refuse("unsupportedType", "integer_weights", GEMM, {"w": W.astype(np.int32)})
refuse("unsupportedType", "text_weights", GEMM, {"w": np.array([["a"] * 4] * 6, dtype=object)})
refuse("unsupportedOperator", "quantized", [node("DequantizeLinear", "x w")], {"w": np.float32(1)})
refuse("shapeMismatch", "wrong_inner_size", [node("Gemm", "x w")], {"w": np.ones((5, 4), np.float32)})
refuse("shapeMismatch", "bad_reshape", [node("Reshape", "x s")], {"s": np.int64([0, 4])})
refuse("malformedFile", "undefined_tensor", [node("Gemm", "x nowhere")])
refuse("malformedFile", "wrong_order", [node("Relu", "r"), node("Tanh", "x", "r")])
refuse("malformedFile", "short_weights", GEMM, {"w": W}, change=truncate)
refuse("missingData", "no_weights", GEMM, {"w": W}, change=empty)
refuse("malformedFile", "external_outside", GEMM, {"w": W}, change=external("../secret"))
refuse("malformedFile", "external_absolute", GEMM, {"w": W}, change=external("/etc/passwd"))
refuse("malformedFile", "external_hidden_parent", GEMM, {"w": W}, change=external("a/../../secret"))
refuse("malformedFile", "external_offset", GEMM, {"w": W}, change=external("data.bin", offset=-1))
refuse("malformedFile", "external_length", GEMM, {"w": W}, change=external("data.bin", length=5))
refuse("missingData", "external_short", GEMM, {"w": W}, change=external("data.bin", offset=1 << 62))
refuse("io", "external_absent", GEMM, {"w": W}, change=external("absent.bin"))
(DIRECTORY / "data.bin").write_bytes(b"\0" * 10)
