/// Gemm and MatMul: dense layers.
extension ONNXLowering {
  /// y = alpha · A' · B' + beta · C, with one row in A'.
  mutating func gemm(_ node: ONNXNode) throws(ModelError) {
    try node.expect(attributes: ["alpha", "beta", "transA", "transB"], inputs: 2...3)
    let alpha = try node.float("alpha", default: 1)
    let beta = try node.float("beta", default: 1)
    let flow = try flow(node)
    let isTransposed = try node.flag("transA")
    guard flow.dimensions.count == 2, flow.dimensions[isTransposed ? 1 : 0] == 1 else {
      throw node.error(
        .unsupportedShape, "input A has shape \(flow.dimensions); one row is supported",
        remedy: "Flatten to [batch, features] first.")
    }
    let matrix = try matrix(node, 1, transposed: try node.flag("transB"))
    var bias = [Float](repeating: 0, count: matrix.outputs)
    if let c = try floats(node, 2) {
      guard let view = StridedView(c.dimensions).broadcast(to: [1, matrix.outputs])
      else {
        throw node.error(
          .shapeMismatch, "C of shape \(c.dimensions) does not broadcast to [1, \(matrix.outputs)]")
      }
      bias = view.indices.map { beta * c.values[$0] }
    }
    let weights = alpha == 1 ? matrix.weights : matrix.weights.map { alpha * $0 }
    try dense(node, flow, matrix.with(weights: weights), bias: bias)
    try define(node, .flow(chain.view([1, matrix.outputs])))
  }

  /// y = x · W, or y = W · x, for a single row or column x.
  mutating func matrixProduct(_ node: ONNXNode) throws(ModelError) {
    try node.expect(inputs: 2...2)
    if case .constant = try value(node, 0) { return try leftMatrixProduct(node) }
    let flow = try flow(node)
    let weightRank = try parameters(node, 1).dimensions.count
    let matrix = try matrix(node, 1, transposed: false)
    guard let last = flow.dimensions.last, last == flow.count else {
      throw node.error(
        .unsupportedShape, "input A has shape \(flow.dimensions), so several rows; one is supported",
        remedy: "Flatten to [batch, features] first.")
    }
    try dense(node, flow, matrix, bias: [Float](repeating: 0, count: matrix.outputs))
    // As numpy's matmul: the batch axes of both, then the row, then the column where there is one.
    let rank = flow.dimensions.count
    let leading = max(rank - 2, weightRank - 2, 0) + (rank > 1 ? 1 : 0)
    let result = [Int](repeating: 1, count: leading) + (weightRank == 1 ? [] : [matrix.outputs])
    try define(node, .flow(chain.view(result)))
  }

  private mutating func leftMatrixProduct(_ node: ONNXNode) throws(ModelError) {
    let flow = try flow(node, 1)
    let matrix = try matrix(node, 0, transposed: true)
    let dimensions = flow.dimensions
    let isVector = dimensions.count == 1
    let column = isVector ? dimensions.count - 1 : dimensions.count - 2
    guard column >= 0, dimensions[column] == flow.count, try constant(node, 0)?.dimensions.count == 2 else {
      throw node.error(
        .unsupportedShape, "input B has shape \(dimensions), so several columns; one is supported",
        remedy: "Write the product as x · W with x of shape [batch, features].")
    }
    try dense(node, flow, matrix, bias: [Float](repeating: 0, count: matrix.outputs))
    var result = dimensions
    result[column] = matrix.outputs
    try define(node, .flow(chain.view(result)))
  }

  /// A constant matrix as the rows of a dense layer.
  struct Matrix {
    let inputs: Int
    let outputs: Int
    let weights: [Float]

    func with(weights: [Float]) -> Matrix { Matrix(inputs: inputs, outputs: outputs, weights: weights) }
  }

  /// - Parameter transposed: whether the constant is `outputs × inputs` already.
  private mutating func matrix(
    _ node: ONNXNode, _ index: Int, transposed: Bool
  ) throws(ModelError) -> Matrix {
    let (dimensions, values) = try parameters(node, index)
    var sizes = dimensions
    if sizes.count == 1 { sizes = transposed ? [1] + sizes : sizes + [1] }
    while sizes.count > 2, sizes[0] == 1 { sizes.removeFirst() }
    guard sizes.count == 2, sizes[0] > 0, sizes[1] > 0 else {
      throw node.error(.unsupportedShape, "the weights have shape \(dimensions), which is no matrix")
    }
    if transposed { return Matrix(inputs: sizes[1], outputs: sizes[0], weights: values) }
    let (inputs, outputs) = (sizes[0], sizes[1])
    var weights: [Float] = []
    weights.reserveCapacity(values.count)
    for output in 0..<outputs {
      for input in 0..<inputs { weights.append(values[input * outputs + output]) }
    }
    return Matrix(inputs: inputs, outputs: outputs, weights: weights)
  }

  /// Appends a dense layer that also takes in the scale and shift of its input.
  private mutating func dense(
    _ node: ONNXNode, _ flow: ONNXFlow, _ matrix: Matrix, bias: [Float]
  ) throws(ModelError) {
    guard matrix.inputs == flow.count else {
      throw node.error(.shapeMismatch, "weights for \(matrix.inputs) inputs are given \(flow.count)")
    }
    var plain = flow
    plain.affine = nil
    try chain.settle(plain, as: TensorShape([flow.count]), node)
    var dense = Dense(inputs: matrix.inputs, outputs: matrix.outputs, weights: matrix.weights, bias: bias)
    if let affine = flow.affine { dense = dense.after(affine) }
    try chain.append(.dense(dense), node)
  }
}

extension Dense {
  /// This layer applied to scale·x + offset, as a layer of x.
  fileprivate func after(_ affine: ONNXFlow.Affine) -> Dense {
    var weights = weights
    var bias = bias
    for output in 0..<outputs {
      var sum = Double(bias[output])
      for input in 0..<inputs {
        let weight = Double(weights[output * inputs + input])
        sum += weight * affine.offset[input]
        weights[output * inputs + input] = Float(weight * affine.scale[input])
      }
      bias[output] = Float(sum)
    }
    return Dense(inputs: inputs, outputs: outputs, weights: weights, bias: bias)
  }
}
