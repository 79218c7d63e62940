import InferenceCases
import MedullaBase
import MedullaModel
import Testing

@testable import MedullaSnapshot

@Suite("Bounds")
struct BoundProofTests {
  @Test("no input makes a sum, product or output leave its proven range")
  func proofsHold() throws {
    for example in try InferenceCase.all(seed: 77) {
      for proof in example.snapshot.proofs {
        #expect(proof.isProven, "\(example.name), step \(proof.step)")
        #expect(proof.lowestLane >= -proof.laneLimit - 1 && proof.highestLane <= proof.laneLimit)
        for input in example.inputs {
          let outputs = ReferenceInterpreter(example.snapshot).trace(features: input)[proof.step + 1]
          let inside = outputs.allSatisfy { $0 >= proof.lowestOutput && $0 <= proof.highestOutput }
          #expect(inside, "\(example.name), step \(proof.step)")
        }
      }
    }
  }

  @Test("the worst case is reached by the input that the signs of the weights ask for")
  func tight() throws {
    let network = try Networks.chain([6, 1], [nil], seed: 21)
    let snapshot = try Quantizer().quantize(
      network, Calibration(samples: Networks.samples(30, of: 6, seed: 2)))
    guard case .linear(let linear) = snapshot.parameters.steps[0] else { return }
    let proof = try #require(snapshot.proofs.first)
    let best = linear.weights.reduce(linear.bias[0]) { $0 + abs(Int64($1)) * 32767 }
    #expect(proof.highestSum == best)
    let worst = linear.weights.reduce(linear.bias[0]) { $0 - abs(Int64($1)) * 32767 }
    #expect(proof.lowestSum == worst)
  }

  @Test("a snapshot whose sums leave their lane is refused with the step and channel")
  func refused() throws {
    let epilogue = Epilogue(shift: 20, function: .identity)
    let shape = ProgramShape(
      scheme: .w8a16, inputs: 600, tables: [],
      steps: [.dense(DenseStep(inputs: 600, outputs: 2, packing: .pair, epilogue: epilogue))])
    let feature = FeatureScaling(
      low: 0, width: 65534, multiplier: 1 << 40, bias: 1 << 39 - 32767 << 40)
    let weights = [Int32](repeating: 1, count: 600) + [Int32](repeating: 127, count: 600)
    let record = SnapshotRecord(
      networkName: "", networkDigest: "", inputName: "", outputName: "", calibrationDigest: "", options: "",
      featureRanges: [], steps: [])
    let parameters = IntegerParameters(
      tables: [], features: [FeatureScaling](repeating: feature, count: 600),
      steps: [.linear(LinearParameters(weights: weights, bias: [0, 0], multipliers: [1, 1]))])
    let error = #expect(throws: SnapshotError.self) {
      try Snapshot(shape: shape, parameters: parameters, record: record)
    }
    #expect(error?.code == .notProven)
    #expect(error?.message.contains("step 0 (dense), channel 1") == true, "\(error?.message ?? "")")
  }

  @Test("packed words come apart into the weights that went in")
  func packing() throws {
    var generator = SeededGenerator(seed: 31)
    for packing in Packing.allCases {
      for (channels, terms, groups) in [(1, 1, 1), (7, 3, 1), (8, 5, 2), (11, 2, 3), (25, 4, 1)] {
        let block = LinearBlock(channels: channels, terms: terms, groups: groups, packing: packing)
        let count = channels * groups
        let parameters = LinearParameters(
          weights: (0..<count * terms).map { _ in Int32.random(in: -127...127, using: &generator) },
          bias: (0..<count).map { _ in Int64.random(in: -1_000_000...1_000_000, using: &generator) },
          multipliers: (0..<count).map { _ in Int64.random(in: 0...(1 << 40), using: &generator) })
        let words = block.pack(parameters)
        #expect(words.count == block.words)
        #expect(block.unpack(words[...], clip: nil) == parameters, "\(block)")
      }
    }
  }
}
