/// The dimensions of a tensor, without the batch axis.
///
/// `[30]` is a vector of 30 features, `[3, 32, 32]` an image in channel, height, width order.
public struct TensorShape: Hashable, Sendable, Codable, CustomStringConvertible {
  public let dimensions: [Int]

  /// Every dimension must be positive; `Network` refuses others with the layer's name.
  public init(_ dimensions: [Int]) {
    self.dimensions = dimensions
  }

  /// The number of elements; 1 for a scalar.
  public var count: Int { dimensions.reduce(1, *) }

  public var rank: Int { dimensions.count }

  public var description: String { "[" + dimensions.map(String.init).joined(separator: "×") + "]" }
}
