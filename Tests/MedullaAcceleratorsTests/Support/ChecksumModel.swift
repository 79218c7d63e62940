import MedullaEngines

@testable import MedullaAccelerators

/// A model whose answer depends on every byte and its place: the sum of byte · (place + 1), and the first
/// byte.
final class ChecksumModel: LoadedModel {
  let inputs: [TensorDescription]
  let outputs = [
    TensorDescription(name: "sum", element: .int64, shape: [nil]),
    TensorDescription(name: "first", element: .uint8, shape: [1]),
  ]
  /// Bytes that it looks at; nil: all.
  private let looked: Int?
  /// Objects that begin with this byte make it fail.
  private let poison: UInt8?

  init(byteCount: Int, element: TensorElement = .uint8, looked: Int? = nil, poison: UInt8? = nil) {
    inputs = [TensorDescription(name: "bytes", element: element, shape: [nil, byteCount])]
    self.looked = looked
    self.poison = poison
  }

  func run(inputs: [TensorView], outputs: [TensorView]) throws(EngineError) {
    let view = inputs[0]
    guard let bytes = UnsafeRawPointer(bitPattern: UInt(view.address)),
      let sum = UnsafeMutableRawPointer(bitPattern: UInt(outputs[0].address)),
      let first = UnsafeMutableRawPointer(bitPattern: UInt(outputs[1].address))
    else { throw EngineError(.wrongSize, "no memory") }
    let count = min(view.shape.reduce(1, *), looked ?? .max)
    let values: [Int64] = (0..<count).map { index in
      view.element == .float32
        ? Int64(bytes.load(fromByteOffset: index * 4, as: Float.self))
        : Int64(bytes.load(fromByteOffset: index, as: UInt8.self))
    }
    if let poison, values.first == Int64(poison) { throw EngineError(.failed, "the object is poisoned") }
    sum.storeBytes(of: Self.sum(values), as: Int64.self)
    first.storeBytes(of: UInt8(truncatingIfNeeded: values[0]), as: UInt8.self)
  }

  static func sum(_ values: [Int64]) -> Int64 {
    values.enumerated().reduce(0) { $0 &+ $1.element &* Int64($1.offset + 1) }
  }

  static func sum(_ bytes: [UInt8]) -> Int64 { sum(bytes.map(Int64.init)) }

  /// As the accelerator takes it, on tensors in memory that the host can read.
  static func model(
    byteCount: Int, looked: Int? = nil, poison: UInt8? = nil, conversion: ByteConversion? = nil,
    cost: Duration = .zero
  ) throws -> AcceleratorModel {
    try AcceleratorModel(
      ChecksumModel(
        byteCount: byteCount, element: conversion == nil ? .uint8 : .float32, looked: looked, poison: poison),
      name: "checksum", engineDevice: .host, conversion: conversion, simulatedCost: cost)
  }
}

extension ObjectResult {
  /// The sum that the model found; nil where it failed.
  var sum: Int64? {
    guard case .outputs(let outputs) = outcome else { return nil }
    return outputs[0].withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
  }
}
