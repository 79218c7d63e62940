import CMedullaFabric
import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot

/// A small network with a plan, and inferences with what the reference interpreter says of them.
struct ShiftAddCase {
  enum End { case scores, argmax }

  let snapshot: Snapshot
  let file: SnapshotFile
  let plan: FabricPlan
  /// What the client sends, and what it must get.
  let inferences: [(activations: [Int64], outputs: [Int64])]

  /// - Parameters:
  ///   - pins: by layer, its switches.
  ///   - seed: of weights, of samples and of inputs.
  init(
    _ widths: [Int], scheme: QuantizationScheme = .w8a8, end: End = .scores, hidden: Activation = .relu,
    on topology: FabricTopology = .spineLeaf(leaves: 1, spines: 1, processors: 1),
    pins: [String: [String]] = [:], inferences count: Int = 16,
    cells: CellFormat = CellFormat(payloadBytes: 256),
    seed: UInt64
  ) throws {
    var random = SeededGenerator(seed: seed)
    var layers: [Layer] = []
    for (inputs, outputs) in zip(widths, widths.dropFirst()) {
      let weights = (0..<inputs * outputs).map { _ in Float(random.unit() - 0.5) }
      let bias = (0..<outputs).map { _ in Float(random.unit() - 0.5) }
      layers += [
        .dense(Dense(inputs: inputs, outputs: outputs, weights: weights, bias: bias)), .activation(hidden),
      ]
    }
    layers.removeLast()
    if end == .argmax {
      // Its last neuron is its first one again, so that largest values are often equal.
      if case .dense(let last)? = layers.popLast() {
        layers.append(.dense(Self.endingAsItBegins(last)))
      }
      layers.append(.argmax)
    }
    let network = try Network(name: "small", inputShape: TensorShape([widths[0]]), layers: layers)
    let samples = (0..<64).map { _ in (0..<widths[0]).map { _ in Float(random.unit() * 2 - 1) } }
    let quantizer = Quantizer(QuantizerOptions(scheme: scheme))
    file = try SnapshotFile(quantizer.quantize(network, Calibration(samples: samples, ranges: nil)))
    snapshot = file.snapshot
    var constraints = PlacementConstraints()
    constraints.pinned = pins
    let placer = try Placer(snapshot.shape, constraints)
    plan = try FabricPlan(
      snapshot, digest: file.digest, placer.stages, try placer.place(on: topology), on: topology,
      cells: cells, constraints: constraints)
    let interpreter = ReferenceInterpreter(snapshot)
    inferences = (0..<count).map { number in
      // Also beyond what calibration saw, and all at one end.
      let reach = number % 4 == 3 ? 8.0 : 1.0
      let input = (0..<widths[0]).map { _ in
        number % 8 == 6 ? Float(2) : Float((random.unit() * 2 - 1) * reach)
      }
      let trace = interpreter.trace(features: interpreter.fixedPoint(input))
      return (trace[0], trace[trace.count - 1])
    }
  }

  private static func endingAsItBegins(_ dense: Dense) -> Dense {
    Dense(
      inputs: dense.inputs, outputs: dense.outputs,
      weights: dense.weights.dropLast(dense.inputs) + dense.weights.prefix(dense.inputs),
      bias: dense.bias.dropLast() + dense.bias.prefix(1))
  }

  /// The first layer's tensor, and the answer's.
  func tensors() throws -> (inputs: WireTensor, outputs: WireTensor) {
    let parts = plan.stages.indices.map { number in
      plan.parts.filter { $0.stage == number }.map(\.channels)
    }
    let tensors = try StageLowering.tensors(snapshot.shape, plan.stages, parts: parts, cells: plan.cells)
    return (tensors[0], tensors[tensors.count - 1])
  }

  /// The frames of an inference's inputs.
  func frames(
    of number: Int, client: Int = 0, inference: UInt32, attempt: UInt8 = 0
  ) throws -> [[UInt8]] {
    let tensor = try tensors().inputs
    return zip(tensor.cells, tensor.payloads(of: inferences[number].activations, cells: plan.cells))
      .enumerated()
      .map { chunk, cell in
        var header = fabric_cell()
        header.type = UInt8(FABRIC_DATA.rawValue)
        header.hops = UInt8(FABRIC_HOP_LIMIT)
        (header.client, header.inference, header.attempt) = (UInt16(client), inference, attempt)
        (header.chunk, header.chunks) = (UInt16(chunk), UInt16(tensor.cellCount))
        header.time = UInt64(inference) << 8 | 7
        return FabricCell.frame(
          header, payload: Array(cell.1.prefix(tensor.bytes(of: cell.0))), size: plan.cells.payloadBytes)
      }
  }

  /// The outputs that an answer's cells have, nil where one is missing or is another's.
  func outputs(of cells: [FabricCell]) throws -> [Int64]? {
    let tensor = try tensors().outputs
    guard cells.count == tensor.cellCount, Set(cells.map(\.header.chunk)).count == cells.count else {
      return nil
    }
    var outputs = [Int64](repeating: 0, count: tensor.elementCount)
    for cell in cells {
      let number = Int(cell.header.chunk)
      guard cell.header.type == FABRIC_ANSWER.rawValue, Int(cell.header.label) == plan.stages.count,
        Int(cell.header.chunks) == tensor.cellCount, number < tensor.cellCount,
        cell.payload.count == tensor.bytes(of: tensor.cells[number])
      else { return nil }
      tensor.store(cell.payload, of: tensor.cells[number], in: &outputs)
    }
    return outputs
  }
}
