/// Integers as little-endian bytes, each as wide as the widest of them needs.
enum NarrowNumbers {
  /// The narrowest element that holds every value.
  static func element(for values: [some FixedWidthInteger & SignedInteger]) -> SnapshotSection.Element {
    var low: Int64 = 0
    var high: Int64 = 0
    for value in values {
      low = min(low, Int64(value))
      high = max(high, Int64(value))
    }
    if low >= Int64(Int8.min), high <= Int64(Int8.max) { return .int8 }
    if low >= Int64(Int16.min), high <= Int64(Int16.max) { return .int16 }
    return low >= Int64(Int32.min) && high <= Int64(Int32.max) ? .int32 : .int64
  }

  /// - Parameter element: holds every value; not text.
  static func bytes(
    _ values: [some FixedWidthInteger & SignedInteger], as element: SnapshotSection.Element
  ) -> [UInt8] {
    switch element {
    case .int8, .text: pack(values, as: Int8.self)
    case .int16: pack(values, as: Int16.self)
    case .int32: pack(values, as: Int32.self)
    case .int64: pack(values, as: Int64.self)
    }
  }

  /// The integers of a section's bytes; `nil` when one does not fit the wanted type or the element is text.
  static func values<Number: FixedWidthInteger & SignedInteger>(
    _ bytes: ArraySlice<UInt8>, of element: SnapshotSection.Element, as type: Number.Type
  ) -> [Number]? {
    guard element != .text, element.bytes <= MemoryLayout<Number>.size else { return nil }
    return bytes.withUnsafeBytes { bytes in
      switch element {
      case .text: nil
      case .int8: unpack(bytes, from: Int8.self)
      case .int16: unpack(bytes, from: Int16.self)
      case .int32: unpack(bytes, from: Int32.self)
      case .int64: unpack(bytes, from: Int64.self)
      }
    }
  }

  private static func pack<Number: FixedWidthInteger & SignedInteger, Stored: FixedWidthInteger>(
    _ values: [Number], as type: Stored.Type
  ) -> [UInt8] {
    let size = MemoryLayout<Stored>.size
    return [UInt8](unsafeUninitializedCapacity: values.count * size) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      for (index, value) in values.enumerated() {
        raw.storeBytes(
          of: Stored(truncatingIfNeeded: value).littleEndian, toByteOffset: index * size, as: Stored.self)
      }
      count = values.count * size
    }
  }

  private static func unpack<Number: FixedWidthInteger & SignedInteger, Stored: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, from type: Stored.Type
  ) -> [Number] {
    let size = MemoryLayout<Stored>.size
    return (0..<bytes.count / size).map { index in
      let value = bytes.loadUnaligned(fromByteOffset: index * size, as: Stored.self)
      return Number(truncatingIfNeeded: Stored(littleEndian: value))
    }
  }
}
