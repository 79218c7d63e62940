"""Writes ONNX models as other exporters make them: DIR/NAME.onnx with DIR/NAME.input (raw float32).

Each `case` has the forms that Medulla's own writer does not emit: older opsets, folded arithmetic, typed and
external data, shape computations. Models to be refused are in `onnx_refused_models.py`.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(20)
DIRECTORY = pathlib.Path(sys.argv[1])
RUNS = 3


def weight(*shape, low=-1.0, high=1.0):
    return RANDOM.uniform(low, high, shape).astype(np.float32)


def ints(*values):
    return np.array(values, dtype=np.int64)


def case(name, nodes, constants, shape, opset=17, batch="batch", initializers=(), **save):
    """Saves a model whose nodes go from "x" to "y"; `shape` is without the batch axis."""
    dims = list(shape) if batch is None else [batch, *shape]
    tensors = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        tensors + list(initializers),
    )
    opsets = [helper.make_opsetid("", opset)]
    model = onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=opsets, ir_version=8))
    onnx.save(model, DIRECTORY / f"{name}.onnx", **save)
    RANDOM.uniform(-2, 2, (RUNS, *shape)).astype("<f4").tofile(DIRECTORY / f"{name}.input")


def node(kind, inputs, output="y", **attributes):
    return helper.make_node(kind, inputs.split(), output.split(), name=f"{kind}_{output}", **attributes)


def linear():
    w, b = weight(6, 4), weight(4)
    case("gemm_plain", [node("Gemm", "x w b")], {"w": w, "b": b}, [6])
    case("gemm_scaled", [node("Gemm", "x w b", alpha=0.5, beta=-2.0, transB=1)], {"w": weight(4, 6), "b": b}, [6])
    case("gemm_no_c", [node("Gemm", "x w")], {"w": w}, [6], opset=13)
    case("gemm_scalar_c", [node("Gemm", "x w b")], {"w": w, "b": weight()}, [6], opset=7)
    case("gemm_trans_a", [node("Transpose", "x", "t", perm=[1, 0]), node("Gemm", "t w b", transA=1)],
         {"w": w, "b": b}, [6], batch=1)
    case("matmul_add", [node("MatMul", "x w", "m"), node("Add", "m b")], {"w": w, "b": b}, [6], opset=9)
    case("add_matmul_left", [node("MatMul", "x w", "m"), node("Add", "b m")], {"w": w, "b": b}, [6])
    case("matmul_three_axes", [node("MatMul", "x w", "m"), node("Add", "m b")], {"w": w, "b": b}, [1, 6])
    case("matmul_batched_weights", [node("MatMul", "x w")], {"w": weight(1, 1, 6, 4)}, [6], batch=1)
    case("matmul_vector", [node("MatMul", "x w", "m"), node("Unsqueeze", "m a")],
         {"w": weight(6), "a": ints(1)}, [6])
    case("matmul_rank_1", [node("MatMul", "x w")], {"w": w}, [6], batch=None)
    case("matmul_left", [node("MatMul", "w x")], {"w": weight(3, 6)}, [6, 1])
    case("transposed_weights", [node("Transpose", "v", "w", perm=[1, 0]), node("MatMul", "x w")],
         {"v": weight(4, 6)}, [6])
    case("constant_weights", [helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(w)),
                              node("MatMul", "x w")], {}, [6])
    case("batch_of_one", [node("Gemm", "x w b")], {"w": w, "b": b}, [6], batch=1)


def arithmetic():
    w, b = weight(5, 4), weight(4)
    scaler = {"mean": weight(5), "std": weight(5, low=0.2, high=3), "w": w, "b": b}
    case("scaler_before_gemm", [node("Sub", "x mean", "c"), node("Div", "c std", "s"), node("Gemm", "s w b")],
         scaler, [5])
    case("scaler_after_activation", [node("Tanh", "x", "t"), node("Mul", "t std", "s"), node("Add", "s mean")],
         {"mean": weight(5), "std": weight(5)}, [5])
    case("reversed_subtraction", [node("Sub", "one x")], {"one": np.float32(1).reshape(())}, [5])
    case("scalar_scale_after_gemm", [node("Gemm", "x w b", "g"), node("Mul", "g k")],
         {"w": w, "b": b, "k": np.float32(2.5).reshape(1)}, [5])
    case("scaled_slice", [node("Mul", "x k", "m"), node("Slice", "m s e a", "p"), node("Relu", "p")],
         {"k": weight(5), "s": ints(1), "e": ints(4), "a": ints(1)}, [5])
    case("image_scale", [node("Mul", "x k", "m"), node("Conv", "m w", pads=[1, 1, 1, 1])],
         {"k": np.float32(1 / 255).reshape(()), "w": weight(2, 3, 3, 3)}, [3, 5, 5])
    case("image_shift_padded", [node("Add", "x k", "m"), node("Conv", "m w", pads=[1, 1, 1, 1])],
         {"k": weight(1, 3, 1, 1), "w": weight(2, 3, 3, 3)}, [3, 5, 5])
    case("image_shift_unpadded", [node("Sub", "x k", "m"), node("Div", "m d", "n"), node("Conv", "n w")],
         {"k": weight(1, 3, 1, 1), "d": weight(3, 1, 1, low=0.5, high=2), "w": weight(2, 3, 3, 3)}, [3, 5, 5])
    case("pixel_scale", [node("Mul", "x k", "m"), node("Relu", "m")], {"k": weight(1, 2, 3, 3)}, [2, 3, 3])
    case("broadcast_up", [node("Relu", "x", "r"), node("Add", "r k")], {"k": weight(1, 4, 3)}, [1, 3])


def normalisation():
    def statistics(channels):
        return {"s": weight(channels), "o": weight(channels), "m": weight(channels),
                "v": weight(channels, low=0.1, high=2)}

    case("conv_batchnorm", [node("Conv", "x w b", "c"), node("BatchNormalization", "c s o m v", "n"), node("Relu", "n")],
         {"w": weight(4, 2, 3, 3), "b": weight(4), **statistics(4)}, [2, 6, 6])
    case("gemm_batchnorm", [node("Gemm", "x w b", "g"), node("BatchNormalization", "g s o m v", epsilon=1e-3)],
         {"w": weight(5, 4), "b": weight(4), **statistics(4)}, [5], opset=7)
    case("batchnorm_first", [node("BatchNormalization", "x s o m v", "n"), node("Gemm", "n w b")],
         {"w": weight(5, 4), "b": weight(4), **statistics(5)}, [5], opset=15)
    case("batchnorm_before_padded_conv",
         [node("BatchNormalization", "x s o m v", "n"), node("Conv", "n w b", auto_pad="SAME_UPPER")],
         {"w": weight(4, 2, 3, 3), "b": weight(4), **statistics(2)}, [2, 6, 6], opset=14)
    case("batchnorm_alone", [node("Relu", "x", "r"), node("BatchNormalization", "r s o m v")], statistics(2), [2, 3, 3])


def activations():
    case("clip_6", [node("Clip", "x", min=-0.5, max=0.75)], {}, [9], opset=6 + 1)
    case("clip_6_open", [node("Clip", "x", min=0.1)], {}, [9], opset=10)
    case("clip_11_low", [node("Clip", "x low")], {"low": np.float32(-0.3).reshape(())}, [9], opset=11)
    case("clip_13_high", [helper.make_node("Clip", ["x", "", "high"], ["y"])],
         {"high": np.float32(0.3).reshape(())}, [9], opset=13)
    case("leaky_default", [node("LeakyRelu", "x")], {}, [9], opset=7)
    case("hard_sigmoid_default", [node("HardSigmoid", "x")], {}, [9], opset=7)
    case("softmax_12_default", [node("Softmax", "x")], {}, [2, 3], opset=12)
    case("softmax_12_axis", [node("Softmax", "x", axis=2)], {}, [2, 3, 2], opset=11)
    case("softmax_13_inner", [node("Softmax", "x", axis=1)], {}, [4, 3, 2])
    case("softmax_13_default", [node("Softmax", "x")], {}, [4, 3])
    case("argmax_drop", [node("Gemm", "x w", "g"), node("ArgMax", "g", "i", axis=-1, keepdims=0),
                         node("Cast", "i", to=TensorProto.FLOAT)], {"w": weight(5, 6)}, [5], opset=12)


def windows():
    w = weight(3, 2, 3, 3)
    for pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        case(f"conv_{pad.lower()}", [node("Conv", "x w", auto_pad=pad, strides=[2, 2])], {"w": w}, [2, 8, 7])
    case("conv_1d", [node("Conv", "x w b", "c", pads=[1, 1], strides=[2], dilations=[2]), node("Relu", "c")],
         {"w": weight(4, 2, 3), "b": weight(4)}, [2, 16], opset=11)
    case("net_1d", [node("Conv", "x w b", "c", kernel_shape=[5]), node("Relu", "c", "r"),
                    node("MaxPool", "r", "p", kernel_shape=[2], strides=[2]),
                    node("Flatten", "p", "f"), node("Gemm", "f d")],
         {"w": weight(4, 1, 5), "b": weight(4), "d": weight(4 * 14, 3)}, [1, 32], opset=11)
    case("depthwise", [node("Conv", "x w b", group=4)], {"w": weight(4, 1, 3, 3), "b": weight(4)}, [4, 6, 6])
    case("maxpool_8", [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])], {}, [2, 8, 8],
         opset=8)
    case("maxpool_ceil_fits", [node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)], {}, [2, 8, 8])
    case("averagepool_same", [node("AveragePool", "x", kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2])],
         {}, [2, 8, 8], opset=11)
    case("global_average", [node("GlobalAveragePool", "x", "p"), node("Flatten", "p", "f"), node("Gemm", "f w")],
         {"w": weight(3, 2)}, [3, 5, 4])
    case("global_max", [node("GlobalMaxPool", "x")], {}, [3, 5, 4])


def rearranging():
    case("reshape_zero", [node("Reshape", "x s", "r"), node("Tanh", "r")], {"s": ints(0, -1)}, [2, 3, 4])
    case("flatten_axis", [node("Flatten", "x", "f", axis=-2), node("Tanh", "f")], {}, [1, 3, 4], opset=13)
    case("squeeze_11", [node("Squeeze", "x", "s", axes=[1]), node("Tanh", "s")], {}, [1, 5], opset=11)
    case("squeeze_13", [node("Squeeze", "x a", "s"), node("Tanh", "s")], {"a": ints(-1)}, [5, 1])
    case("squeeze_all", [node("Squeeze", "x", "s"), node("Tanh", "s")], {}, [1, 5, 1], batch=1)
    case("unsqueeze_11", [node("Unsqueeze", "x", "u", axes=[1, 3]), node("Tanh", "u")], {}, [5], opset=11)
    case("transpose", [node("Transpose", "x", "t", perm=[0, 3, 1, 2]), node("Conv", "t w")],
         {"w": weight(2, 3, 2, 2)}, [4, 5, 3])
    case("slice_9", [node("Slice", "x", "s", starts=[1, -3], ends=[3, 9999], axes=[1, 2]), node("Relu", "s")],
         {}, [4, 5], opset=9)
    case("slice_10", [node("Slice", "x b e a s", "p"), node("Relu", "p")],
         {"b": ints(-1), "e": ints(-9999), "a": ints(1), "s": ints(-2)}, [7], opset=10)
    case("concat_slices", [node("Slice", "x b1 e1 a", "p"), node("Slice", "x b2 e2 a", "q"),
                           node("Concat", "q p x", "c", axis=1), node("Gemm", "c w")],
         {"b1": ints(0), "e1": ints(2), "b2": ints(3), "e2": ints(6), "a": ints(1), "w": weight(11, 2)}, [6])
    case("concat_rows", [node("Split", "x n", "p q", axis=2), node("Concat", "q p", "c", axis=2), node("Relu", "c")],
         {"n": ints(1, 3)}, [3, 4])
    case("split_even_11", [node("Split", "x", "p q", axis=1), node("Concat", "q p", "c", axis=1), node("Relu", "c")],
         {}, [6], opset=11)
    case("split_18", [node("Split", "x", "p q", axis=1, num_outputs=2), node("Concat", "q p", "c", axis=1),
                      node("Relu", "c")], {}, [5], opset=18)
    case("gather_columns", [node("Gather", "x i", "g", axis=1), node("Relu", "g")], {"i": ints(4, -1, 0, 0)}, [5])
    case("gather_scalar", [node("Gather", "x i", "g", axis=2), node("Relu", "g")],
         {"i": np.array(1, dtype=np.int64)}, [3, 4])
    view = [node("Shape", "x", "sh"), node("Gather", "sh first", "n"), node("Unsqueeze", "n zero", "n1"),
            node("Concat", "n1 minus", "to", axis=0), node("Reshape", "x to", "r"), node("Gemm", "r w")]
    case("torch_view", view, {"first": np.array(0, dtype=np.int64), "zero": ints(0), "minus": ints(-1), "w": weight(12, 3)}, [3, 4])
    case("identity_dropout", [node("Identity", "x", "i"), node("Dropout", "i", "d", ratio=0.5), node("MatMul", "d w")],
         {"w": weight(5, 2)}, [5], opset=7)
    case("dropout_13", [node("Dropout", "x r f", "d"), node("Relu", "d")],
         {"r": np.float32(0.5).reshape(()), "f": np.array(False)}, [5], opset=13)
    case("second_head", [node("Gemm", "x w", "h"), node("Relu", "h", "y"), node("Sin", "h", "unused")],
         {"w": weight(5, 2)}, [5])


def storage():
    w, b = weight(5, 4), weight(4)
    typed = [helper.make_tensor("w", TensorProto.FLOAT, [5, 4], w.ravel()),
             helper.make_tensor("b", TensorProto.FLOAT, [4], b)]
    case("typed_floats", [node("Gemm", "x w b")], {}, [5], initializers=typed)
    half = [helper.make_tensor("h", TensorProto.FLOAT16, [5, 4], w.ravel().astype(np.float16))]
    widen = [node("Cast", "h", "w", to=TensorProto.FLOAT), node("Gemm", "x w b")]
    case("typed_halves", widen, {"b": b}, [5], initializers=half)
    tiny = np.array([6e-8, -6e-5, 0.0, 65504.0, -1.5], dtype=np.float16).reshape(5, 1)
    case("raw_halves", widen[:1] + [node("MatMul", "x w")], {"h": tiny}, [5])
    case("doubles", [node("Cast", "d", "w", to=TensorProto.FLOAT), node("MatMul", "x w")],
         {"d": w.astype(np.float64)}, [5])
    case("external", [node("Gemm", "x w b")], {"w": weight(5, 40), "b": weight(40)}, [5], save_as_external_data=True,
         location="external.weights", size_threshold=0)


def opsets():
    for opset in range(7, 22):
        nodes = [node("Gemm", "x w b", "g"), node("Relu", "g", "r"), node("Gemm", "r v c", "s"),
                 node("Softmax", "s", axis=1)]
        case(f"opset_{opset}", nodes, {"w": weight(6, 8), "b": weight(8), "v": weight(8, 3), "c": weight(3)}, [6],
             opset=opset)


for group in (linear, arithmetic, normalisation, activations, windows, rearranging, storage, opsets):
    group()
