import MedullaModel
import Testing

@testable import MedullaSnapshot

/// A file may be signed anew with any number in it, so a shape is judged by what it says, not by its maker.
@Suite("Numbers from outside")
struct SnapshotExtremesTests {
  static let extremes: [Int64] = [.min, .min + 1, -1 << 62, -1 << 40, -1, 0, 1, 1 << 40, 1 << 62, .max]

  @Test("no bounds of a clamp or clip trap, whatever step reads what they let through")
  func clamps() throws {
    for low in Self.extremes {
      for high in Self.extremes where low <= high {
        for reader in try Self.readers() {
          try expectRefusedOrRuns([Self.map(.clamp(low: low, high: high)), reader])
          try expectRefusedOrRuns([Self.map(.clip, clip: low...high), reader])
        }
      }
    }
  }

  @Test("no slope, limit, bias, multiplier or weight traps")
  func parameters() throws {
    for number in Self.extremes {
      for reader in try Self.readers() {
        try expectRefusedOrRuns([
          Self.map(.leaky(multiplier: number, shift: 16, limit: .max)), reader,
        ])
        try expectRefusedOrRuns([
          Self.map(.leaky(multiplier: -3, shift: 1, limit: max(number, 1))), reader,
        ])
        try expectRefusedOrRuns([Self.map(.identity, bias: number, multiplier: 1), reader])
        try expectRefusedOrRuns([Self.map(.identity, bias: 0, multiplier: number), reader])
      }
      let linear = LinearParameters(
        weights: [Int32](repeating: .min, count: 4), bias: [number, number], multipliers: [number, 1])
      try expectRefusedOrRuns([(.dense(Self.dense), .linear(linear))])
    }
  }

  private typealias Part = (step: Step, data: StepParameters)

  private static let dense = DenseStep(
    inputs: 2, outputs: 2, packing: .single, epilogue: Epilogue(shift: 0, function: .identity))

  private static func map(
    _ function: Epilogue.Function, bias: Int64 = 0, multiplier: Int64 = 1 << 44,
    clip: ClosedRange<Int64>? = nil
  ) -> Part {
    (
      .map(MapStep(count: 2, epilogue: Epilogue(shift: 0, function: function))),
      .map(MapParameters(bias: bias, multiplier: multiplier, clip: clip))
    )
  }

  /// One of each kind of step that takes two elements.
  private static func readers() throws -> [Part] {
    let one = Extent(height: 1, width: 1)
    func pool(_ kind: PoolStep.Kind) -> Part {
      let step = PoolStep(
        kind: kind, channels: 1, height: 1, width: 2, kernel: Extent(height: 1, width: 2), strides: one,
        padding: Padding(top: 0, left: 1, bottom: 0, right: 0), outputHeight: 1, outputWidth: 2)
      return (.pool(step), .none)
    }
    let linear = LinearParameters(weights: [1, -1, 127, 0], bias: [5, -5], multipliers: [1, 3])
    let pad = PadStep(
      channels: 1, height: 1, width: 2, padding: Padding(top: 0, left: 1, bottom: 0, right: 0))
    return [
      (.dense(dense), .linear(linear)), map(.identity, multiplier: 1),
      map(.leaky(multiplier: -(1 << 39), shift: 1, limit: .max), multiplier: 1), map(.table(index: 0)),
      pool(.maximum), pool(.average), pool(.averageCountingPadding), (.pad(pad), .none),
      (.softmax(SoftmaxStep(rows: 1, length: 2, shift: 0, table: 0, unit: 1 << 16)), .softmax(multiplier: 3)),
      (.argmax(ArgmaxStep(inputs: 2, unit: 1 << 16)), .none),
      (.gather(GatherStep(inputs: 2, indices: [1, 0])), .none),
    ]
  }

  private func expectRefusedOrRuns(_ parts: [Part]) throws {
    let table = FunctionTable(function: .decay, amplitude: 1 << 20, scheme: .w8a16)
    let shape = ProgramShape(scheme: .w8a16, inputs: 2, tables: [table], steps: parts.map(\.step))
    let feature = FeatureScaling(low: 0, width: 65534, multiplier: 1 << 40, bias: 1 << 39 - 32767 << 40)
    let parameters = IntegerParameters(
      tables: [try table.entries()], features: [feature, feature], steps: parts.map(\.data))
    let record = SnapshotRecord(
      networkName: "", networkDigest: "", inputName: "", outputName: "", calibrationDigest: "", options: "",
      featureRanges: [], steps: [])
    guard let snapshot = try? Snapshot(shape: shape, parameters: parameters, record: record) else { return }
    for value in Self.extremes {
      let outputs = ReferenceInterpreter(snapshot).run(features: [value, 0])
      #expect(outputs.count == shape.outputs, "\(parts)")
      if let proof = snapshot.proofs.last, proof.step == shape.steps.count - 1 {
        #expect(outputs.allSatisfy { proof.lowestOutput <= $0 && $0 <= proof.highestOutput }, "\(parts)")
      }
    }
  }
}
