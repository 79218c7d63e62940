/// Host memory of its own for a tensor: zeros at first, on a cache line's boundary.
package final class TensorBuffer {
  static let alignment = 64

  package let view: TensorView
  package let bytes: UnsafeMutableRawBufferPointer

  package init(_ element: TensorElement, _ shape: [Int]) {
    precondition(shape.allSatisfy { $0 >= 0 }, "sizes are not negative")
    let count = shape.reduce(element.size, *)
    let start = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: Self.alignment)
    bytes = UnsafeMutableRawBufferPointer(start: start, count: count)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    view = TensorView(element: element, shape: shape, at: start)
  }

  package convenience init(_ values: [Float], _ shape: [Int]) {
    self.init(.float32, shape)
    values.withUnsafeBytes {
      bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(bytes.count)))
    }
  }

  deinit { bytes.baseAddress?.deallocate() }

  package var floats: [Float] { values(as: Float.self) }

  package func values<Value: BitwiseCopyable>(as type: Value.Type) -> [Value] {
    Array(bytes.bindMemory(to: type))
  }
}
