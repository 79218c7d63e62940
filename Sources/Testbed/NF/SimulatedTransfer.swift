import MedullaAccelerators
import MedullaBase
import MedullaEngines
import MedullaPayload

/// Objects over a link into the simulated CUDA device, on its own clock: the paper's arrangement with its
/// constants where it has them (`CostModel.paper`).
package struct SimulatedTransfer {
  /// Ethernet, IPv4, UDP and the payload's header, and on the wire preamble, checksum and gap (IEEE 802.3).
  package static let headerBytes = 14 + 20 + 8 + PayloadHeader.bytes + 24
  private static let frames = 256
  private static let frameBytes = 2_048

  package let objectBytes: Int
  package let packetBytes: Int
  package let policy: TransferPolicy
  /// The network, on the device.
  package var compute = Duration.zero
  package var isCutThrough = true
  package var bitsPerSecond = 10e9
  package var cost = CostModel.paper

  package init(objectBytes: Int, packetBytes: Int, policy: TransferPolicy) {
    (self.objectBytes, self.packetBytes, self.policy) = (objectBytes, packetBytes, policy)
  }

  private struct Stage {
    let memory: UnsafeMutableRawBufferPointer
    let accelerator: DeviceAccelerator
    let pipeline: ObjectPipeline
  }

  private func stage() throws -> Stage {
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Self.frames * Self.frameBytes, alignment: 4_096)
    memory.initializeMemory(as: UInt8.self, repeating: 7)
    do {
      let accelerator = DeviceAccelerator.simulatedCUDA(cost: cost)
      let registration = try accelerator.register(UnsafeRawBufferPointer(memory), isReadOnly: true)
      var settings = ObjectSchedule.Settings(policy: policy, tensorBytes: objectBytes)
      settings.isCutThrough = isCutThrough
      let model = try AcceleratorModel(
        SilentModel(byteCount: objectBytes), name: "silent", engineDevice: .host, simulatedCost: compute)
      return Stage(
        memory: memory, accelerator: accelerator,
        pipeline: try ObjectPipeline(accelerator, model: model, memory: registration, settings: settings))
    } catch {
      memory.deallocate()
      throw error
    }
  }

  private func pieces() -> [PayloadPiece] {
    stride(from: 0, to: objectBytes, by: packetBytes).enumerated().map { index, place in
      PayloadPiece(
        source: index % Self.frames * Self.frameBytes + 256, destination: place,
        length: min(packetBytes, objectBytes - place))
    }
  }

  /// When each part of the work on one object was done, its packets coming at the link's rate.
  package func times() throws -> ObjectTimes {
    let stage = try stage()
    defer { stage.memory.deallocate() }
    let start = stage.accelerator.clock
    var due = start
    for (index, piece) in pieces().enumerated() {
      due += .nanoseconds(
        Int64((Double((piece.length + Self.headerBytes) * 8) / bitsPerSecond * 1e9).rounded(.up)))
      stage.accelerator.sleep(until: due)
      if index == 0, let refusal = stage.pipeline.begin(1, byteCount: objectBytes) {
        throw AcceleratorError(.unsuitable, "the object was refused: \(refusal)")
      }
      try stage.pipeline.poll()
      try stage.pipeline.take(1, [piece])
    }
    try stage.pipeline.drain()
    guard let result = stage.pipeline.takeResults().first else {
      throw AcceleratorError(.failed, "the simulated object has no result")
    }
    try stage.pipeline.close()
    return result.times
  }

  /// What the calling processor spends on one object that is all there: the simulated clock moves by its
  /// calls alone.
  package func processorTime() throws -> Duration {
    let stage = try stage()
    defer { stage.memory.deallocate() }
    if let refusal = stage.pipeline.begin(1, byteCount: objectBytes) {
      throw AcceleratorError(.unsuitable, "the object was refused: \(refusal)")
    }
    let start = stage.accelerator.clock
    for piece in pieces() { try stage.pipeline.take(1, [piece]) }
    let spent = stage.accelerator.clock - start
    try stage.pipeline.drain()
    try stage.pipeline.close()
    return spent
  }
}

/// A network that says nothing: what it would take is the simulated clock's.
private final class SilentModel: LoadedModel {
  let inputs: [TensorDescription]
  let outputs = [TensorDescription(name: "output", element: .uint8, shape: [1])]

  init(byteCount: Int) {
    inputs = [TensorDescription(name: "input", element: .uint8, shape: [byteCount])]
  }

  func run(inputs: [TensorView], outputs: [TensorView]) {}
}
