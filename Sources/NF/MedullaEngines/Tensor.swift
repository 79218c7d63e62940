import MedullaBase

package enum TensorDevice: Hashable, Sendable, CustomStringConvertible {
  case host
  case cuda(ordinal: Int)

  package var description: String {
    switch self {
    case .host: "the host's memory"
    case .cuda(let ordinal): "memory of CUDA device \(ordinal)"
    }
  }
}

/// The types of elements that tensors of models have here.
package enum TensorElement: String, Hashable, Sendable, Codable, CaseIterable {
  case float32, float16, float64, bfloat16
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool

  /// Bytes of one.
  package var size: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .uint8, .int8, .bool: 1
    }
  }
}

/// What a model says of one of its inputs or outputs.
package struct TensorDescription: Hashable, Sendable {
  package var name: String
  package var element: TensorElement
  /// nil: any size, such as that of a batch. Empty: one value, or a shape that the model does not tell.
  package var shape: [Int?]

  package init(name: String, element: TensorElement, shape: [Int?]) {
    self.name = name
    self.element = element
    self.shape = shape
  }

  /// Such as `input float32 [any, 3, 224, 224]`.
  package var text: String {
    "\(name) \(element.rawValue) [\(shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", "))]"
  }

  /// The shape with `size` wherever the model takes any.
  package func shape(any size: Int) -> [Int] { shape.map { $0 ?? size } }
}

/// A tensor in memory of somebody else, row-major without gaps.
package struct TensorView: Sendable {
  package var element: TensorElement
  package var shape: [Int]
  /// An address in the memory of `device`.
  package var address: UInt64
  package var device: TensorDevice

  package init(element: TensorElement, shape: [Int], address: UInt64, device: TensorDevice) {
    self.element = element
    self.shape = shape
    self.address = address
    self.device = device
  }

  /// In host memory. Engines only write to what they are given as outputs.
  package init(element: TensorElement, shape: [Int], at pointer: UnsafeMutableRawPointer) {
    self.init(
      element: element, shape: shape, address: UInt64(UInt(bitPattern: pointer)), device: .host)
  }

  /// `Int.max` for sizes that no memory has.
  package var byteCount: Int {
    var bytes = element.size
    for size in shape {
      let (product, isTooLarge) = bytes.multipliedReportingOverflow(by: size)
      if isTooLarge { return .max }
      bytes = product
    }
    return bytes
  }

  /// The address as a pointer of this process; nil where it is none.
  var pointer: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: UInt(address)) }

  /// Such as `float32 [1, 3, 224, 224]`.
  var text: String { "\(element.rawValue) \(shape)" }
}
