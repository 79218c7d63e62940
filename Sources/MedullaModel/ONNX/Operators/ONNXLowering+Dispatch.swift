extension ONNXLowering {
  static let operators =
    "Gemm, MatMul, Add, Sub, Mul, Div, Relu, LeakyRelu, Clip, Tanh, Sigmoid, HardSigmoid, Softmax, "
    + "ArgMax, Conv, MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool, BatchNormalization, "
    + "Flatten, Reshape, Identity, Dropout, Concat, Split, Slice, Gather, Squeeze, "
    + "Unsqueeze, Transpose, Shape, Cast, Constant"

  mutating func lower(_ node: ONNXNode) throws(ModelError) {
    guard ["", "ai.onnx"].contains(node.proto.domain) else {
      throw node.error(
        .unsupportedOperator, "is of the operator domain \(node.proto.domain)",
        remedy: "Export with operators of the standard domain only.")
    }
    switch node.operation {
    case "Gemm": try gemm(node)
    case "MatMul": try matrixProduct(node)
    case "Add", "Sub", "Mul", "Div": try arithmetic(node)
    case "BatchNormalization": try batchNormalization(node)
    case "Relu", "LeakyRelu", "Clip", "Tanh", "Sigmoid", "HardSigmoid": try activation(node)
    case "Softmax": try softmax(node)
    case "ArgMax": try argmax(node)
    case "Conv": try convolution(node)
    case "MaxPool", "AveragePool": try pool(node)
    case "GlobalMaxPool", "GlobalAveragePool": try globalPool(node)
    case "Flatten", "Reshape", "Squeeze", "Unsqueeze": try reshape(node)
    case "Transpose": try transpose(node)
    case "Slice": try slice(node)
    case "Split": try split(node)
    case "Gather": try gather(node)
    case "Concat": try concatenate(node)
    case "Identity", "Dropout": try identity(node)
    case "Cast": try cast(node)
    case "Constant": try literal(node)
    case "Shape": try shapeOf(node)
    default:
      throw node.error(
        .unsupportedOperator, "the operator is not supported", remedy: Self.remedy(node.operation))
    }
  }

  private static func remedy(_ operation: String) -> String {
    switch operation {
    case "QuantizeLinear", "DequantizeLinear", "QLinearMatMul", "QLinearConv", "MatMulInteger", "ConvInteger":
      "Give the float network; Medulla quantizes by itself."
    case "LSTM", "GRU", "RNN":
      "Recurrent layers are not supported; give the history as input features."
    case "If", "Loop", "Scan":
      "Control flow is not supported; export the network in inference mode with fixed sizes."
    case "ReduceMean":
      "Export the mean over height and width as GlobalAveragePool."
    case "Elu", "Selu", "Gelu", "Softplus", "HardSwish", "Mish", "Erf", "PRelu", "Celu":
      "Train with Relu, LeakyRelu, Clip, Tanh, Sigmoid or HardSigmoid instead."
    case "LogSoftmax":
      "Leave it out, or export Softmax: the order of the classes is the same."
    default: "Supported: \(operators)."
    }
  }
}
