import MedullaBase

/// What runs a whole model file on tensors that lie in memory of its device, such as ONNX Runtime.
package protocol Engine: Sendable {
  /// What commands call it: lower case, words joined by `-`.
  var name: String { get }
  /// One line for people, with the library's version where it is there.
  var summary: String { get }
  /// Why it cannot run on this machine, with what to do about it; nil where it can.
  var obstacle: EngineError? { get }
  /// Where its tensors lie.
  var device: TensorDevice { get }

  /// Reads a model (ONNX). What it loaded before stays usable.
  func load(_ model: EngineModel, options: EngineOptions) throws(EngineError) -> any LoadedModel
}

/// A model that is ready to run. One caller at a time.
package protocol LoadedModel: AnyObject {
  var inputs: [TensorDescription] { get }
  var outputs: [TensorDescription] { get }

  /// Runs on the caller's memory, without a copy of inputs, and returns when the outputs are written.
  ///
  /// - Throws: `wrongSize` when a tensor's shape or type is not what the model takes; what the engine says.
  func run(inputs: [TensorView], outputs: [TensorView]) throws(EngineError)
}

/// Where a model is read from.
package enum EngineModel: Hashable, Sendable {
  case file(String)
  case bytes([UInt8])
}

package struct EngineOptions: Hashable, Sendable {
  /// Threads of one inference; nil: the engine's own choice.
  package var threads: Int?
  /// Computes in bfloat16 where the engine and the processor can.
  package var isReducedPrecision = false

  package init() {}
}

package enum TensorDevice: Hashable, Sendable {
  case host
  case cuda(ordinal: Int)
}

/// The types of elements that tensors of models have here.
package enum TensorElement: String, Hashable, Sendable, Codable, CaseIterable {
  case float32, int32, int64, uint8, int8, float16, float64, bool

  /// Bytes of one.
  package var size: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .float16: 2
    case .uint8, .int8, .bool: 1
    }
  }
}

/// What a model says of one of its inputs or outputs.
package struct TensorDescription: Hashable, Sendable {
  package var name: String
  package var element: TensorElement
  /// nil: any size, such as that of a batch.
  package var shape: [Int?]

  package init(name: String, element: TensorElement, shape: [Int?]) {
    self.name = name
    self.element = element
    self.shape = shape
  }
}

/// A tensor in memory of somebody else, row-major without gaps.
package struct TensorView {
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

  package var byteCount: Int { shape.reduce(element.size, *) }
}
