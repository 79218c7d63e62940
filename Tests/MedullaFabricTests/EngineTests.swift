import InferenceCases
import MedullaBase
import MedullaFabric
import MedullaSnapshot
import Testing

@Suite("What switches compute")
struct EngineTests {
  private static let seed: UInt64 = 14

  @Test(
    "networks of the inference suite that switches take give the reference's bits, in any order of cells"
  )
  func suite() throws { #expect(try Self.compared(.fast) > 60) }

  @Test("dense layers of many weights, which lie term by term, give the same bits")
  func farWeights() throws { #expect(try Self.compared(.fast, nearBytes: 0) > 60) }

  @Test("by shifts, additions and counters networks of dense layers give the same bits")
  func faithful() throws { #expect(try Self.compared(.faithful) > 20) }

  /// Gives how many networks the switches take.
  private static func compared(
    _ mode: FabricMode, nearBytes: Int = StageLowering.standardNearBytes
  ) throws -> Int {
    var taken = 0
    for example in try InferenceCase.all(seed: seed) {
      guard
        let lowering = try lowering(example.snapshot, cells: CellFormat(payloadBytes: 128), mode, nearBytes)
      else { continue }
      taken += 1
      let fabric = try LocalFabric(lowering)
      let reference = ReferenceInterpreter(example.snapshot)
      var random = SeededGenerator(seed: seed)
      for features in example.inputs {
        let outputs = try fabric.run(features: features) { cells in cells.shuffled(using: &random) }
        #expect(outputs == reference.run(features: features), "\(example.name), \(mode), seed \(seed)")
      }
    }
    return taken
  }

  @Test("layers that are divided by channels give the reference's bits")
  func divided() throws {
    let (snapshot, inputs) = try Self.images()
    let stages = try Stage.all(of: snapshot.shape)
    let parts = stages.map { stage -> [Range<Int>] in
      guard stage.isDivisible else { return [0..<stage.channels] }
      return [0..<stage.channels / 3, stage.channels / 3..<stage.channels]
    }
    let fabric = try LocalFabric(
      StageLowering(snapshot, stages, parts: parts, cells: CellFormat(payloadBytes: 128)))
    let reference = ReferenceInterpreter(snapshot)
    for input in inputs { #expect(try fabric.run(features: input) == reference.run(features: input)) }
  }

  @Test(
    "sums beside each other in a word are emptied before they can meet, for the largest weights there are")
  func lanes() throws {
    // The most terms tried with which a lane of 21, or of 32 bits holds so many products of 127.
    for (weight, lanes, flush) in [(Int64(127), 3, 64), (32_767, 2, 512)] {
      let packing = LanePacking(terms: 4_096, inputs: -127...127) { flush, isProven in
        _ = isProven(LanePacking.Sums(positive: weight * Int64(flush)))
      }
      #expect(packing.lanes == lanes && packing.flush == flush, "\(packing)")
    }
  }

  private static func images() throws -> (snapshot: Snapshot, inputs: [[Int64]]) {
    var random = SeededGenerator(seed: seed)
    let network = try ImageNetwork.small.network(using: &random)
    let samples = ImageNetwork.images(6, using: &random)
    let snapshot = try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(
      network, Calibration(samples: samples))
    return (snapshot, samples.map { snapshot.shape.fixedPoint($0) })
  }

  /// Nil where the engine says that it has no way to compute the network.
  private static func lowering(
    _ snapshot: Snapshot, cells: CellFormat, _ mode: FabricMode, _ nearBytes: Int
  ) throws -> StageLowering? {
    do throws(FabricError) {
      let stages = try Stage.all(of: snapshot.shape)
      let lowering = try StageLowering(
        snapshot, stages, parts: stages.map { [0..<$0.channels] }, cells: cells, mode: mode,
        nearBytes: nearBytes)
      for stage in stages.indices { _ = try lowering.task(stage: stage, part: 0) }
      return lowering
    } catch {
      #expect(error.code == .badNetwork && !error.message.isEmpty)
      return nil
    }
  }
}
