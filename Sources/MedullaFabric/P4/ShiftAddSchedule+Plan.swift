import MedullaSnapshot

extension ShiftAddSchedule {
  /// Cells of one label that a bitmap of 64 bits tells apart.
  package static let chunkLimit = 64
  /// Bytes of a cell that are parsed.
  package static let cellBytesLimit = 512
  /// Of one cell through one part; counters of passes and of elements have 16 bits.
  package static let passLimit = 1 << 15

  /// All parts of a plan, by stage, then by channel.
  ///
  /// - Parameter terms: multiplications in a pass.
  /// - Throws: `badNetwork` where a layer is not of those that shifts and adds compute here, with its name;
  ///   `doesNotFit` where one is too large.
  package static func all(
    of plan: FabricPlan, _ snapshot: Snapshot, terms: Int = standardTerms
  ) throws(FabricError) -> [ShiftAddSchedule] {
    guard snapshot.shape.scheme != .w16a16 else {
      throw FabricError(
        .badNetwork, "the network has weights of 16 bits, and shifts and adds are made of 8",
        remedy: "plan it with --scheme w8a8, w8a10 or w8a16")
    }
    let bodies = try plan.stages.map { stage throws(FabricError) in try DenseBody(stage, snapshot) }
    let divisions = plan.stages.indices.map { number in
      plan.parts.filter { $0.stage == number }.map(\.channels)
    }
    let tensors = try StageLowering.tensors(
      snapshot.shape, plan.stages, parts: divisions, cells: plan.cells)
    var schedules: [ShiftAddSchedule] = []
    for (number, body) in bodies.enumerated() {
      for (place, part) in plan.parts.filter({ $0.stage == number }).enumerated() {
        let schedule = try ShiftAddSchedule(
          body, part, at: place, input: tensors[number], output: tensors[number + 1],
          isLast: number == plan.stages.count - 1, terms: terms)
        try schedule.checkSize()
        schedules.append(schedule)
      }
    }
    return schedules
  }

  private init(
    _ body: DenseBody, _ part: PlacedPart, at place: Int, input: WireTensor, output: WireTensor,
    isLast: Bool, terms: Int
  ) throws(FabricError) {
    name = body.name
    label = part.stage
    node = part.node
    elementBytes = input.elementBytes
    inputs = input.elementCount
    cells = input.cells.map { cell in
      InputCell(
        elements: cell.elements.count, bytes: input.bytes(of: cell),
        passes: body.passes(of: input.indices(of: cell), channels: part.channels, terms: terms))
    }
    neurons = part.channels.map { body.neuron($0) }
    tail = body.tail
    let own = output.parts[output.parts.count > 1 ? place : 0]
    guard output.cellCount(of: own) == 1 else {
      throw FabricError(
        .doesNotFit,
        "\(body.name) sends \(output.cellCount(of: own)) cells, and one is what it can send here",
        remedy: "use larger cells (`payload` of the topology file), or divide the layer")
    }
    self.output = OutputCell(
      label: part.stage + 1, chunk: own.firstCell, chunks: output.cellCount, elements: own.rowElements,
      elementBytes: output.elementBytes, isAnswer: isLast)
  }

  private func checkSize() throws(FabricError) {
    let largest = max(cells.map(\.bytes).max() ?? 0, output.bytes)
    let passes = cells.map(\.passes.count).max() ?? 0
    for (value, limit, what) in [
      (cells.count, Self.chunkLimit, "cells of inputs"),
      (largest, Self.cellBytesLimit, "bytes in a cell"), (passes, Self.passLimit, "passes of a cell"),
      (neurons.count, Self.passLimit, "neurons"),
    ] where value > limit {
      throw FabricError(
        .doesNotFit, "\(name) has \(value) \(what), and at most \(limit) are taken",
        remedy: "this form is for small networks; `medulla fabric up` takes larger ones")
    }
  }
}

/// A stage that is a dense layer, and perhaps argmax.
private struct DenseBody {
  let name: String
  let tail: ShiftAddSchedule.Tail
  private let step: DenseStep
  private let parameters: LinearParameters
  private let range: ClosedRange<Int64>

  init(_ stage: Stage, _ snapshot: Snapshot) throws(FabricError) {
    let steps = snapshot.shape.steps
    func refuse(_ what: String) -> FabricError {
      FabricError(
        .badNetwork, "\(stage.name): \(what) is not made of shifts and adds here",
        remedy: "docs/use/fabric-p4.md says what is; `medulla fabric up` takes more")
    }
    guard case .dense(let step) = steps[stage.firstStep],
      case .linear(let parameters) = snapshot.parameters.steps[stage.firstStep]
    else { throw refuse("\(steps[stage.firstStep].kind) as the first of its steps") }
    switch step.epilogue.function {
    case .identity: range = .min ... .max
    case .clamp(let low, let high): range = low...high
    case .clip: range = parameters.clip ?? .min ... .max
    case .leaky: throw refuse("a leaky ReLU")
    case .table: throw refuse("a function by table (tanh or sigmoid)")
    }
    guard parameters.weights.allSatisfy({ $0.magnitude < 1 << ShiftAddSchedule.weightBits }) else {
      throw refuse("a weight of more than \(ShiftAddSchedule.weightBits) bits")
    }
    guard parameters.multipliers.allSatisfy({ $0 >= 0 }) else { throw refuse("a negative multiplier") }
    var tail = ShiftAddSchedule.Tail.collect
    for index in stage.steps.dropFirst() {
      guard case .argmax(let argmax) = steps[index], index == stage.lastStep else {
        throw refuse(steps[index].kind)
      }
      tail = .argmax(unit: argmax.unit)
    }
    (name, self.tail, self.step, self.parameters) = (stage.name, tail, step, parameters)
  }

  /// - Parameter elements: of a cell, in the order in which they travel.
  func passes(of elements: [Int], channels: Range<Int>, terms: Int) -> [ShiftAddSchedule.SumPass] {
    stride(from: 0, to: elements.count, by: terms).flatMap { first in
      let group = first..<min(first + terms, elements.count)
      return channels.map { channel in
        ShiftAddSchedule.SumPass(
          neuron: channel - channels.lowerBound,
          terms: group.map {
            ShiftAddSchedule.Term(
              element: $0, weight: parameters.weights[channel * step.inputs + elements[$0]])
          }, turns: channel == channels.upperBound - 1 && group.upperBound < elements.count)
      }
    }
  }

  func neuron(_ channel: Int) -> ShiftAddSchedule.Neuron {
    ShiftAddSchedule.Neuron(
      bias: parameters.bias[channel], multiplier: UInt64(parameters.multipliers[channel]),
      shift: step.epilogue.shift, range: range)
  }
}
