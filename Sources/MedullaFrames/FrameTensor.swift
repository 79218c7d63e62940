import Foundation

/// An array of a frame: name, element type, shape, and its elements row-major in little-endian order.
package struct FrameTensor: Sendable, Equatable {
  package enum Element: String, Sendable, CaseIterable {
    case float32
    case uint64
    case uint8

    package var bytes: Int {
      switch self {
      case .float32: 4
      case .uint64: 8
      case .uint8: 1
      }
    }
  }

  package let name: String
  package let element: Element
  package let shape: [Int]
  package let data: Data

  /// The number of elements of a shape; nil: too many dimensions, a negative one, or an overflow.
  static func count(_ shape: [Int]) -> Int? {
    guard shape.count <= FrameLimits.rank else { return nil }
    var count = 1
    for size in shape {
      guard size >= 0 else { return nil }
      let product = count.multipliedReportingOverflow(by: size)
      if product.overflow { return nil }
      count = product.partialValue
    }
    return count
  }

  /// Bytes of its elements; nil when over the payload's limit.
  static func byteCount(_ element: Element, _ shape: [Int]) -> Int? {
    guard let count = count(shape), count <= FrameLimits.payloadBytes / element.bytes else { return nil }
    return count * element.bytes
  }

  /// The caller answers for `data` having the bytes that the shape needs; `TensorFrame.encoded` checks it.
  package init(name: String, element: Element, shape: [Int], data: Data) {
    self.name = name
    self.element = element
    self.shape = shape
    self.data = data
  }

  package init(_ name: String, shape: [Int], floats: [Float]) {
    let data = floats.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
    self.init(name: name, element: .float32, shape: shape, data: data)
  }

  package init(_ name: String, rows: [[Float]], width: Int) {
    self.init(name, shape: [rows.count, width], floats: rows.flatMap { $0 })
  }

  package init(_ name: String, words: [UInt64]) {
    let data = words.map(\.littleEndian).withUnsafeBytes { Data($0) }
    self.init(name: name, element: .uint64, shape: [words.count], data: data)
  }

  package init(_ name: String, bytes: Data) {
    self.init(name: name, element: .uint8, shape: [bytes.count], data: bytes)
  }

  /// - Throws: `wrongContent` when the elements are of another type.
  package func floats() throws(FrameError) -> [Float] {
    guard element == .float32 else { throw wrongType(.float32) }
    return data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map {
        Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
      }
    }
  }

  /// - Throws: `wrongContent` when the elements are of another type.
  package func words() throws(FrameError) -> [UInt64] {
    guard element == .uint64 else { throw wrongType(.uint64) }
    return data.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
      }
    }
  }

  private func wrongType(_ wanted: Element) -> FrameError {
    FrameError(.wrongContent, "tensor \(name) has elements of \(element.rawValue), not \(wanted.rawValue)")
  }
}
