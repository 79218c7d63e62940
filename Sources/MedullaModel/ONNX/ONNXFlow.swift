/// What a name in an ONNX graph stands for while the graph is read.
enum ONNXValue {
  /// Known now: an initializer, a constant, or something made of them.
  case constant(ONNXConstant)
  /// Depends on the network's input.
  case flow(ONNXFlow)
}

/// A tensor that depends on the input: a view of what the last layer gives, perhaps scaled and shifted.
///
/// Rearranging operators change the view only, and arithmetic with constants only `affine`. Both become
/// layers, or part of one, when an operator needs the values.
struct ONNXFlow {
  /// The chain's revision that this is a view of; a flow of an older revision is a branch.
  let revision: Int
  /// All dimensions, the batch axis as 1.
  var dimensions: [Int]
  /// The shape that a layer sees.
  var shape: TensorShape
  /// Element i of this tensor is element `indices[i]` of the last layer's output; nil means in order.
  var indices: [Int]?
  var affine: Affine?

  /// Element-wise scale·x + offset, applied after the view.
  struct Affine {
    var scale: [Double]
    var offset: [Double]
  }

  init(revision: Int, dimensions: [Int], shape: TensorShape? = nil) {
    self.revision = revision
    self.dimensions = dimensions
    self.shape = shape ?? Self.layerShape(of: dimensions)
  }

  var count: Int { shape.count }

  /// The dimensions without a leading batch axis of 1; `[1]` for a scalar.
  static func layerShape(of dimensions: [Int]) -> TensorShape {
    if dimensions.isEmpty { return TensorShape([1]) }
    return TensorShape(
      dimensions.count > 1 && dimensions[0] == 1 ? Array(dimensions.dropFirst()) : dimensions)
  }

  /// The same elements, in order, under other dimensions.
  func reshaped(_ dimensions: [Int]) -> ONNXFlow {
    var flow = self
    flow.dimensions = dimensions
    flow.shape = Self.layerShape(of: dimensions)
    return flow
  }

  /// Elements `selection` of this tensor, under other dimensions.
  func selecting(_ selection: [Int], dimensions: [Int]) -> ONNXFlow {
    var flow = reshaped(dimensions)
    flow.indices = indices.map { old in selection.map { old[$0] } } ?? selection
    flow.affine = affine.map { old in
      Affine(scale: selection.map { old.scale[$0] }, offset: selection.map { old.offset[$0] })
    }
    return flow
  }
}
