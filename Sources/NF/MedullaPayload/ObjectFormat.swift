/// What the objects of a stream are.
///
/// A stream is configured once, and each object only checked against it by kind and size. The alternative, a
/// shape in every header, would have to be believed or checked against the model anyway.
package enum ObjectFormat: Hashable, Sendable {
  /// Numbers of 32 bits, little-endian, channel by channel.
  case imageFloat32(channels: Int, height: Int, width: Int)
  /// Numbers of 8 bits, pixel by pixel.
  case imageUInt8(height: Int, width: Int, channels: Int)
  /// `samples` samples of such a shape, then a label for each, little-endian.
  case trainingBatch(samples: Int, shape: [Int], element: PayloadElement, label: PayloadElement)
  /// From one byte to this many.
  case bytes(limit: Int)

  package var kind: PayloadKind {
    switch self {
    case .imageFloat32: .imageFloat32
    case .imageUInt8: .imageUInt8
    case .trainingBatch: .trainingBatch
    case .bytes: .bytes
    }
  }

  /// The tensors that an object holds, in their order in it; none for bytes, which have no shape.
  package var tensors: [PayloadTensor] {
    switch self {
    case .imageFloat32(let channels, let height, let width):
      [PayloadTensor(element: .float32, shape: [channels, height, width], offset: 0)]
    case .imageUInt8(let height, let width, let channels):
      [PayloadTensor(element: .uint8, shape: [height, width, channels], offset: 0)]
    case .trainingBatch(let samples, let shape, let element, let label):
      Self.batch(samples, shape, element, label)
    case .bytes: []
    }
  }

  private static func batch(
    _ samples: Int, _ shape: [Int], _ element: PayloadElement, _ label: PayloadElement
  ) -> [PayloadTensor] {
    let first = PayloadTensor(element: element, shape: [samples] + shape, offset: 0)
    return [first, PayloadTensor(element: label, shape: [samples], offset: first.byteCount)]
  }

  /// Bytes of the largest object; of all but bytes it is the size of each.
  package var byteCount: Int {
    if case .bytes(let limit) = self { return limit }
    return tensors.reduce(0) { $0 + $1.byteCount }
  }

  /// Whether an object of such a kind and size is one of these.
  package func accepts(_ kind: PayloadKind, size: Int) -> Bool {
    guard kind == self.kind else { return false }
    if case .bytes(let limit) = self { return size <= limit }
    return size == byteCount
  }

  /// What makes it no format; nil: it is one.
  var fault: String? {
    let shapes = tensors.flatMap(\.shape)
    if shapes.contains(where: { $0 < 1 || $0 > Self.dimensionLimit }) {
      return "each dimension is 1 to \(Self.dimensionLimit)"
    }
    // Sizes are 32 bits on the wire. As floating point, because the product of dimensions may be any.
    let size = tensors.reduce(0.0) { sum, tensor in
      sum + tensor.shape.reduce(Double(tensor.element.bytes)) { $0 * Double($1) }
    }
    if size > Double(UInt32.max) { return "an object has at most \(UInt32.max) bytes" }
    if case .bytes(let limit) = self, limit < 1 || limit > Int(UInt32.max) {
      return "an object has 1 to \(UInt32.max) bytes"
    }
    return nil
  }

  static let dimensionLimit = 1 << 24
}

/// The numbers that objects are made of.
package enum PayloadElement: String, Hashable, Sendable, CaseIterable {
  case uint8
  case int32
  case int64
  case float32

  package var bytes: Int {
    switch self {
    case .uint8: 1
    case .int32, .float32: 4
    case .int64: 8
    }
  }
}

/// Numbers in an object, row-major without gaps.
package struct PayloadTensor: Hashable, Sendable {
  package var element: PayloadElement
  package var shape: [Int]
  /// The first byte's place in the object.
  package var offset: Int

  package init(element: PayloadElement, shape: [Int], offset: Int) {
    self.element = element
    self.shape = shape
    self.offset = offset
  }

  package var byteCount: Int { shape.reduce(element.bytes, *) }
}
