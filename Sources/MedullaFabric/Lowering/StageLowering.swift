import CMedullaFabric
import MedullaModel
import MedullaSnapshot

/// A network's stages as tasks of switches.
package struct StageLowering {
  package let snapshot: Snapshot
  package let stages: [Stage]
  package let cells: CellFormat
  package let mode: FabricMode
  /// What enters each stage, and last what the client gets.
  package let tensors: [WireTensor]
  /// Of each stage, the channels of its parts.
  package let parts: [[Range<Int>]]
  let ranges: [ClosedRange<Int64>]
  let nearBytes: Int

  /// A share of a processor's caches that other work leaves alone.
  package static let standardNearBytes = 2 << 20

  /// - Parameters:
  ///   - parts: of each stage, the channels of its parts: together all of them, in order.
  ///   - nearBytes: of a dense layer's weights that stay near a processor from one inference to the next.
  /// - Throws: `badNetwork` where the engine has no way to compute a stage, with its name.
  package init(
    _ snapshot: Snapshot, _ stages: [Stage], parts: [[Range<Int>]], cells: CellFormat,
    mode: FabricMode = .fast, nearBytes: Int = StageLowering.standardNearBytes
  ) throws(FabricError) {
    (self.mode, self.nearBytes) = (mode, nearBytes)
    self.snapshot = snapshot
    self.stages = stages
    self.parts = parts
    self.cells = cells
    do throws(SnapshotError) {
      ranges = try snapshot.ranges()
    } catch {
      throw FabricError(.badNetwork, error.message, cause: error.cause, remedy: error.remedy)
    }
    guard stages.count < FABRIC_LABELS else {
      throw FabricError(
        .badNetwork, "the network has \(stages.count) layers, and a fabric takes \(FABRIC_LABELS - 1)",
        remedy: "use a network with fewer layers")
    }
    tensors = try Self.tensors(snapshot.shape, stages, parts: parts, cells: cells)
  }

  /// What enters each stage, and last what the client gets.
  ///
  /// - Throws: `badNetwork` where a tensor cannot travel, or the engine has no way to compute a stage.
  package static func tensors(
    _ shape: ProgramShape, _ stages: [Stage], parts: [[Range<Int>]], cells: CellFormat
  ) throws(FabricError) -> [WireTensor] {
    let first = inputForm(of: stages[0], shape)
    var tensors = [
      WireTensor(
        first, elementBytes: shape.activationBytes, channels: [0..<channels(of: first)], cells: cells)
    ]
    for (number, stage) in stages.enumerated() {
      let form = try outputForm(of: stage, shape)
      let isLast = number == stages.count - 1
      // A tail makes one part's outputs of another number than its channels.
      let own = stage.isDivisible ? parts[number] : [0..<channels(of: form)]
      tensors.append(
        WireTensor(form, elementBytes: isLast ? 8 : shape.activationBytes, channels: own, cells: cells))
    }
    for (number, tensor) in tensors.enumerated() where tensor.cellCount > FABRIC_CHUNKS {
      let name = number < stages.count ? stages[number].name : "the client"
      throw FabricError(
        .badNetwork,
        "\(name) has inputs of \(tensor.cellCount) cells, and at most \(FABRIC_CHUNKS) are taken",
        remedy: "use larger cells (`payload` of the topology file), or a smaller network")
    }
    return tensors
  }

  /// One part of a stage.
  ///
  /// - Throws: `badNetwork` where the engine has no way to compute it.
  package func task(stage number: Int, part: Int) throws(FabricError) -> LoweredTask {
    let stage = stages[number]
    let body = try StageBody(stage, snapshot, inputs: ranges[stage.firstStep])
    try Self.check(stage, body, input: tensors[number], output: tensors[number + 1], mode: mode)
    var lowered = LoweredTask()
    lowered.task.input_bytes = UInt64(snapshot.shape.activationBytes)
    lowered.task.is_first = number == 0 ? 1 : 0
    lowered.task.is_last = number == stages.count - 1 ? 1 : 0
    lowered.task.answer_label = UInt64(stages.count)
    lowered.task.cells = UInt64(tensors[number].cellCount)
    lowered.task.channels = UInt64(parts[number][part].count)
    lowered.sends(tensors[number + 1], part: stage.isDivisible ? part : 0)
    try body.addFinishes(to: &lowered)
    switch body.sum {
    case .dense(let step) where mode == .faithful:
      try lowerFaithful(step, body, number, parts[number][part], &lowered)
    case .dense(let step): try lowerDense(step, body, number, parts[number][part], &lowered)
    case .convolution(let step):
      try lowerConvolution(step, body, number, parts[number][part], &lowered)
      let work = stage.operations * parts[number][part].count / max(stage.channels * lowered.rows.count, 1)
      lowered.task.units = UInt64(lowered.rows.count)
      for cell in lowered.places.indices { lowered.places[cell].work = UInt64(work) }
    default: break
    }
    return lowered
  }

  /// - Throws: `badNetwork` where a stage's inputs are not what its layer takes, or one cell would set free
  ///   more than a switch can send.
  static func check(
    _ stage: Stage, _ body: StageBody, input: WireTensor, output: WireTensor, mode: FabricMode
  ) throws(FabricError) {
    if mode == .faithful { try FaithfulPasses.check(stage, input: input) }
    if case .convolution(let step) = body.sum { _ = try ConvolutionGeometry(step, body, input) }
    let bursts = output.parts.map { stage.isConvolution ? $0.piecesPerRow : output.cellCount(of: $0) }
    guard let burst = bursts.max(), burst >= FABRIC_BURST else { return }
    throw FabricError(
      .badNetwork,
      "\(stage.name) sends \(burst) cells at once, and a switch can send \(FABRIC_BURST - 1)",
      remedy: "use larger cells (`payload` of the topology file)")
  }

  /// How inputs come to a stage: row by row to a convolution.
  static func inputForm(of stage: Stage, _ shape: ProgramShape) -> WireTensor.Form {
    guard stage.isConvolution else { return .flat(count: stage.inputs) }
    switch shape.steps[stage.firstStep] {
    case .pad(let step): return .image(channels: step.channels, height: step.height, width: step.width)
    case .convolution(let step):
      return .image(channels: step.inputChannels, height: step.height, width: step.width)
    default: return .flat(count: stage.inputs)
    }
  }

  private static func outputForm(
    of stage: Stage, _ shape: ProgramShape
  ) throws(FabricError) -> WireTensor.Form {
    guard stage.isConvolution else { return .flat(count: stage.outputs) }
    for step in shape.steps[stage.steps].reversed() {
      switch step {
      case .pool(let pool):
        return .image(channels: pool.channels, height: pool.outputHeight, width: pool.outputWidth)
      case .convolution(let step):
        return .image(channels: step.outputChannels, height: step.outputHeight, width: step.outputWidth)
      case .map: continue
      default:
        throw FabricError(
          .badNetwork, "\(stage.name) is followed by \(step.kind), which no switch computes there",
          remedy: "end the network before it, or with a dense layer")
      }
    }
    return .flat(count: stage.outputs)
  }

  private static func channels(of form: WireTensor.Form) -> Int {
    switch form {
    case .image(let channels, _, _): channels
    case .flat(let count): count
    }
  }
}

extension ProgramShape {
  /// Bytes of an activation between layers.
  package var activationBytes: Int { scheme.activationLimit > 127 ? 2 : 1 }
}
