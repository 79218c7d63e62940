import InferenceCases
import MedullaBase
import MedullaModel
import Testing

@testable import MedullaSnapshot

@Suite("Slices")
struct SliceTests {
  static let seed: UInt64 = 20_261_128

  @Test("slices that run in sequence give the whole's bits, wherever the network is cut")
  func sequence() throws {
    var generator = SeededGenerator(seed: Self.seed)
    var cuts = 0
    for example in try InferenceCase.all(seed: 55) {
      let whole = example.snapshot
      var slices: [Snapshot] = []
      var first = 0
      for last in whole.shape.steps.indices {
        let isEnd = last == whole.shape.steps.count - 1
        guard isEnd || generator.chance(0.7) else { continue }
        // What follows the outputs' fixed point, such as their order, cannot stand alone.
        if !isEnd, (try? whole.slice(steps: last + 1...last + 1)) == nil {
          #expect(leaves(whole, after: last), "\(example.name), step \(last), seed \(Self.seed)")
          continue
        }
        slices.append(try whole.slice(steps: first...last))
        first = last + 1
      }
      cuts += slices.count - 1
      for (features, expected) in zip(example.inputs, example.expected) {
        let outputs = slices.reduce(features) { ReferenceInterpreter($1).run(features: $0) }
        #expect(outputs == expected, "\(example.name), seed \(Self.seed)")
      }
      for slice in slices {
        #expect(try SnapshotFile(bytes: SnapshotFile(slice).bytes).snapshot == slice, "\(example.name)")
      }
    }
    #expect(cuts > 40)
  }

  @Test("slices of channels side by side give the whole's bits, with the steps that treat channels apart")
  func channels() throws {
    var generator = SeededGenerator(seed: Self.seed)
    var taken = 0
    for example in try InferenceCase.all(seed: 56) {
      let whole = example.snapshot
      for (index, step) in whole.shape.steps.enumerated() {
        guard let block = step.block else { continue }
        let count = block.channels * block.groups
        var end = index
        while end + 1 < whole.shape.steps.count, works(apart: whole.shape.steps[end + 1]) { end += 1 }
        var bounds = [0, count]
        if count > 1 { bounds.append(Int.random(in: 1..<count, using: &generator)) }
        if block.groups > 1 { bounds = (0...block.groups).map { $0 * block.channels } + [1] }
        let edges = Set(bounds).sorted()
        let parts = try zip(edges, edges.dropFirst()).map { low, high in
          try whole.slice(steps: index...end, channels: low..<high)
        }
        taken += parts.count
        for features in example.inputs {
          let trace = ReferenceInterpreter(whole).trace(features: features)
          let input = index == 0 ? features : trace[index]
          let outputs = parts.flatMap { ReferenceInterpreter($0).run(features: input) }
          #expect(outputs == trace[end + 1], "\(example.name), step \(index), seed \(Self.seed)")
        }
      }
    }
    #expect(taken > 100)
  }

  @Test("a slice's inputs are the whole's activations at that place: no fraction bits, their proven range")
  func format() throws {
    var generator = SeededGenerator(seed: 4)
    let network = try ImageNetwork.small.network(using: &generator)
    let whole = try Quantizer().quantize(
      network, Calibration(samples: ImageNetwork.images(2, using: &generator)))
    // Convolution, ReLU and pool of the second block.
    let slice = try whole.slice(layers: 3...5)
    #expect(slice.shape.inputs == 4 * 15 * 15)
    #expect(slice.shape.featureFractionBits == 0 && slice.shape.outputFractionBits == 0)
    let feature = try #require(slice.parameters.features.first)
    #expect(feature.low == 0 && feature.width == 32767, "after ReLU")
    #expect(feature.apply(1234, shift: slice.shape.featureShift) == 1234)
    #expect(feature.apply(-5, shift: slice.shape.featureShift) == 0, "and saturates outside")
    #expect(slice.record.slice?.firstStep == 2 && slice.record.slice?.lastStep == 3)
    #expect(slice.record.slice?.inputScale == whole.record.steps[1].outputScale)
    let alike = try SnapshotFile(slice).sections.first { $0.kind == .features }
    #expect(alike?.count == 4, "alike features are stored once")
    let filters = try whole.slice(layers: 3...5, channels: 2..<4)
    #expect(filters.shape.outputs == 2 * 6 * 6)
    #expect(try SnapshotFile(filters).bytes.count < SnapshotFile(slice).bytes.count)
    let first = try whole.slice(layers: 0...2)
    #expect(first.shape.featureFractionBits == whole.shape.featureFractionBits)
    #expect(first.parameters.features == whole.parameters.features)
  }

  @Test("a cut inside a step, channels that are not there and steps that mix channels are refused by name")
  func refused() throws {
    var generator = SeededGenerator(seed: 4)
    let whole = try Quantizer().quantize(
      ImageNetwork.small.network(using: &generator),
      Calibration(samples: ImageNetwork.images(2, using: &generator)))
    let cases: [(String, () throws -> Snapshot)] = [
      ("cannot be cut into layers 0 to 0", { try whole.slice(layers: 0...0) }),
      ("no steps 3 to 99", { try whole.slice(steps: 3...99) }),
      ("no channels 4 to 4", { try whole.slice(steps: 0...0, channels: 4..<5) }),
      ("2 of the steps are dense or convolutions", { try whole.slice(steps: 0...2, channels: 0..<1) }),
    ]
    for (text, make) in cases {
      let error = #expect(throws: SnapshotError.self) { try make() }
      #expect(error?.code == .badSlice)
      #expect(error?.message.contains(text) == true, "\(error?.message ?? "") does not say \(text)")
    }
  }

  /// Whether only steps follow that rearrange the outputs in their fixed point.
  private func leaves(_ snapshot: Snapshot, after step: Int) -> Bool {
    snapshot.shape.steps[(step + 1)...].allSatisfy { if case .gather = $0 { true } else { false } }
  }

  private func works(apart step: Step) -> Bool {
    switch step {
    case .pad, .pool, .map: true
    default: false
    }
  }
}
