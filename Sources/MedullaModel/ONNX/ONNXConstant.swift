/// A tensor known when the graph is read.
struct ONNXConstant {
  enum Elements {
    case floats([Float])
    case integers([Int])
  }

  let dimensions: [Int]
  let elements: Elements

  init(dimensions: [Int], elements: Elements) {
    self.dimensions = dimensions
    self.elements = elements
  }

  var count: Int {
    switch elements {
    case .floats(let values): values.count
    case .integers(let values): values.count
    }
  }

  /// Whether dimensions, which may be 0 in a constant, have a product that fits however it is taken.
  static func isBounded(_ dimensions: [Int]) -> Bool {
    guard dimensions.count <= ModelLimits.rank,
      let count = TensorShape(dimensions.map { max($0, 1) }).checkedCount
    else { return false }
    return count <= ModelLimits.parameters
  }

  func reshaped(_ dimensions: [Int]) -> ONNXConstant {
    ONNXConstant(dimensions: dimensions, elements: elements)
  }

  func selecting(_ selection: [Int], dimensions: [Int]) -> ONNXConstant {
    switch elements {
    case .floats(let values):
      ONNXConstant(dimensions: dimensions, elements: .floats(selection.map { values[$0] }))
    case .integers(let values):
      ONNXConstant(dimensions: dimensions, elements: .integers(selection.map { values[$0] }))
    }
  }
}
