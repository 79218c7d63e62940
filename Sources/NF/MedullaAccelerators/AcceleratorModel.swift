import MedullaBase
import MedullaEngines
import Synchronization

/// A model as an accelerator runs it: one input, which an object fills, and outputs in host memory.
package final class AcceleratorModel: @unchecked Sendable {
  package let name: String
  /// How the object's bytes become the input.
  package let conversion: ByteConversion?
  package let input: TensorDescription
  package let shape: [Int]
  package let outputs: [TensorDescription]
  let outputShapes: [[Int]]
  /// Where it takes its input.
  let device: TensorDevice
  /// What it takes on a device whose clock is simulated.
  package let simulatedCost: Duration
  // Runs one after another, by the thread that computes.
  private let loaded: any LoadedModel

  /// - Parameters:
  ///   - batch: stands for the sizes that the model leaves open.
  ///   - conversion: for objects of 8-bit values whose model takes floats.
  /// - Throws: `unsuitable` for a model of several inputs, or whose sizes are not known.
  package init(
    _ loaded: any LoadedModel, name: String, engineDevice: TensorDevice, batch: Int = 1,
    conversion: ByteConversion? = nil, simulatedCost: Duration = .zero
  ) throws(AcceleratorError) {
    guard loaded.inputs.count == 1, let input = loaded.inputs.first else {
      throw AcceleratorError(
        .unsuitable, "the model \(name) has \(loaded.inputs.count) inputs",
        remedy: "an object fills one; export a model with one input")
    }
    guard conversion == nil || input.element == .float32 else {
      throw AcceleratorError(
        .unsuitable, "the model \(name) takes \(input.element.rawValue)",
        remedy: "8-bit values are widened to float32; leave the conversion out")
    }
    self.loaded = loaded
    self.name = name
    self.input = input
    self.conversion = conversion
    self.simulatedCost = simulatedCost
    device = engineDevice
    outputs = loaded.outputs
    shape = try Self.fixed(input, batch, name)
    var shapes: [[Int]] = []
    for output in outputs { shapes.append(try Self.fixed(output, batch, name)) }
    outputShapes = shapes
  }

  private static let sizeLimit = 1 << 30

  private static func fixed(
    _ tensor: TensorDescription, _ batch: Int, _ name: String
  ) throws(AcceleratorError) -> [Int] {
    // Only the first size may be open: that of a batch.
    var shape: [Int] = []
    var bytes = tensor.element.size
    for (index, size) in tensor.shape.enumerated() {
      guard let size = size ?? (index == 0 ? batch : nil), size > 0, size <= sizeLimit / bytes else {
        throw AcceleratorError(
          .unsuitable, "the size of \(tensor.name) of the model \(name) is open or too large",
          remedy: "export it with fixed sizes, but for the first, which is the batch's")
      }
      bytes *= size
      shape.append(size)
    }
    return shape
  }

  /// Elements of the input.
  package var elements: Int { shape.reduce(1, *) }
  /// Bytes of an object that fills it.
  package var objectBytes: Int { conversion == nil ? elements * input.element.size : elements }

  /// What the engine fails with is kept with the outputs: the next object has its own run.
  func compute(_ input: TensorView, _ memory: ModelOutputs) {
    memory.fill { views throws(AcceleratorError) in
      do throws(EngineError) {
        try loaded.run(inputs: [input], outputs: views)
      } catch {
        throw AcceleratorError(
          .failed, "the model \(name) failed", cause: error.description, remedy: error.remedy)
      }
    }
  }
}

/// 8-bit values as floats: value · scale + bias.
package struct ByteConversion: Hashable, Sendable {
  package var scale: Float
  package var bias: Float

  package init(scale: Float = 1 / 255, bias: Float = 0) {
    self.scale = scale
    self.bias = bias
  }
}
