/// An arithmetic view of a row-major tensor: element (i, j, …) is at
/// `offset + i·strides[0] + j·strides[1] + …`.
///
/// Transposing permutes strides, slicing scales and offsets them, broadcasting makes them 0.
struct StridedView {
  var dimensions: [Int]
  var strides: [Int]
  var offset = 0

  /// The whole of a tensor, in order. The product of the dimensions must be known to fit.
  init(_ dimensions: [Int]) {
    self.dimensions = dimensions
    var strides = [Int](repeating: 1, count: dimensions.count)
    for axis in dimensions.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * dimensions[axis + 1]
    }
    self.strides = strides
  }

  func transposed(_ permutation: [Int]) -> StridedView {
    var view = self
    view.dimensions = permutation.map { dimensions[$0] }
    view.strides = permutation.map { strides[$0] }
    return view
  }

  /// This tensor stretched to `target`, or nil when the two do not broadcast.
  func broadcast(to target: [Int]) -> StridedView? {
    guard target.count >= dimensions.count else { return nil }
    var view = self
    let missing = target.count - dimensions.count
    view.strides = [Int](repeating: 0, count: missing) + strides
    for (axis, size) in dimensions.enumerated() where size != target[missing + axis] {
      guard size == 1 else { return nil }
      view.strides[missing + axis] = 0
    }
    view.dimensions = target
    return view
  }

  /// The index of every element, in row-major order of the view.
  var indices: [Int] {
    let count = dimensions.reduce(1, *)
    guard count > 0 else { return [] }
    var result: [Int] = []
    result.reserveCapacity(count)
    var position = [Int](repeating: 0, count: dimensions.count)
    var index = offset
    for _ in 0..<count {
      result.append(index)
      var axis = dimensions.count - 1
      while axis >= 0 {
        position[axis] += 1
        index += strides[axis]
        if position[axis] < dimensions[axis] { break }
        index -= strides[axis] * dimensions[axis]
        position[axis] = 0
        axis -= 1
      }
    }
    return result
  }

  /// The dimensions that two tensors broadcast to, as numpy and ONNX define it; nil when they do not.
  static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = max(a.count, b.count)
    let left = [Int](repeating: 1, count: rank - a.count) + a
    let right = [Int](repeating: 1, count: rank - b.count) + b
    var result: [Int] = []
    for (x, y) in zip(left, right) {
      guard x == y || x == 1 || y == 1 else { return nil }
      result.append(x == 1 ? y : x)
    }
    return result
  }
}
