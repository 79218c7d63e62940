/// The dimensions of a tensor, without the batch axis.
///
/// `[30]` is a vector of 30 features, `[3, 32, 32]` an image in channel, height, width order.
package struct TensorShape: Hashable, Sendable, Codable, CustomStringConvertible {
  package let dimensions: [Int]

  /// Every dimension must be positive; `Network` refuses others with the layer's name.
  package init(_ dimensions: [Int]) {
    self.dimensions = dimensions
  }

  /// The number of elements; 1 for a scalar.
  ///
  /// A shape inside a `Network` is checked. For a shape that comes from a file use `checkedCount`.
  package var count: Int { dimensions.reduce(1, *) }

  package var rank: Int { dimensions.count }

  /// The number of elements, or nil when a dimension is negative or the product overflows.
  package var checkedCount: Int? {
    var product = 1
    for dimension in dimensions {
      let (value, overflow) = product.multipliedReportingOverflow(by: dimension)
      guard dimension >= 0, !overflow else { return nil }
      product = value
    }
    return product
  }

  /// Whether a tensor between layers may have this shape: 1 to 8 positive dimensions, bounded in number.
  var isUsable: Bool {
    guard !dimensions.isEmpty, rank <= ModelLimits.rank, dimensions.allSatisfy({ $0 > 0 }) else {
      return false
    }
    guard let count = checkedCount else { return false }
    return count <= ModelLimits.tensorElements
  }

  package var description: String { "[" + dimensions.map(String.init).joined(separator: "×") + "]" }
}
