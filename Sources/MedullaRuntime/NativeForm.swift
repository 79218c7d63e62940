import MedullaCodegen
import MedullaSnapshot

/// Which C of a shape is compiled natively.
package enum NativeForm: Hashable, Sendable {
  /// Narrow types, natural loops, batches.
  case plain
  /// The kernel's own C: packed weights, row by row.
  case packed
  /// The same for networks that no program of the kernel could hold.
  case packedOfAnySize

  /// The file that is compiled.
  var source: String {
    switch self {
    case .plain: "plain.c"
    case .packed, .packedOfAnySize: "packed.c"
    }
  }

  /// - Throws: `unsuitable` when the kernel's C does not exist for the shape.
  func header(of shape: ProgramShape) throws -> String {
    switch self {
    case .plain: NativeProgram(shape: shape).text
    case .packed: try RuntimeError.whereUnsuitable { try ProgramHeader(shape: shape).text }
    case .packedOfAnySize:
      try RuntimeError.whereUnsuitable { try ProgramHeader(inUserSpace: shape).text }
    }
  }

  /// A snapshot's numbers, an array for each field of the compiled network, in the fields' order.
  func arrays(of snapshot: Snapshot) -> [Array] {
    switch self {
    case .plain:
      NativeLayout(snapshot.shape).fields.map { field in
        Array(element: field.element, values: field.values(in: snapshot.parameters))
      }
    case .packed, .packedOfAnySize: [Array(element: .int64, values: snapshot.image)]
    }
  }

  struct Array {
    let element: NativeField.Element
    let values: [Int64]

    var bytes: Int { values.count * element.bytes }

    func store(at place: UnsafeMutableRawPointer) {
      switch element {
      case .int8: store(Int8.self, at: place)
      case .int16: store(Int16.self, at: place)
      case .int32: store(Int32.self, at: place)
      case .int64: store(Int64.self, at: place)
      }
    }

    private func store<Number: FixedWidthInteger>(_ type: Number.Type, at place: UnsafeMutableRawPointer) {
      let size = MemoryLayout<Number>.size
      for (index, value) in values.enumerated() {
        place.storeBytes(of: Number(truncatingIfNeeded: value), toByteOffset: index * size, as: type)
      }
    }
  }
}

/// How hard the compiler tries.
package enum NativeTuning: Hashable, Sendable {
  /// `-O2`, one value at a time.
  case scalar
  /// `-O3 -march=native`: whatever the processor and the compiler's vectorizer can do.
  case simd

  var options: [String] {
    switch self {
    case .scalar: ["-O2", "-fno-vectorize", "-fno-slp-vectorize"]
    case .simd: ["-O3", "-march=native"]
    }
  }
}
