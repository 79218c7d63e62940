import InferenceCases
import MedullaBase
import MedullaFabric
import MedullaSnapshot
import Testing

@Suite("What switches compute")
struct EngineTests {
  private static let seed: UInt64 = 14

  @Test(
    "every network of the inference suite that switches take gives the reference's bits, in any order of cells"
  )
  func suite() throws {
    var taken = 0
    for example in try InferenceCase.all(seed: Self.seed) {
      guard let lowering = try Self.lowering(example.snapshot, cells: CellFormat(payloadBytes: 128)) else {
        continue
      }
      taken += 1
      let fabric = try LocalFabric(lowering)
      let reference = ReferenceInterpreter(example.snapshot)
      var random = SeededGenerator(seed: Self.seed)
      for features in example.inputs {
        let outputs = try fabric.run(features: features) { cells in cells.shuffled(using: &random) }
        #expect(outputs == reference.run(features: features), "\(example.name), seed \(Self.seed)")
      }
    }
    #expect(taken > 60)
  }

  /// Nil where the engine says that it has no way to compute the network.
  private static func lowering(_ snapshot: Snapshot, cells: CellFormat) throws -> StageLowering? {
    do throws(FabricError) {
      let stages = try Stage.all(of: snapshot.shape)
      let lowering = try StageLowering(
        snapshot, stages, parts: stages.map { [0..<$0.channels] }, cells: cells)
      for stage in stages.indices { _ = try lowering.task(stage: stage, part: 0) }
      return lowering
    } catch {
      #expect(error.code == .badNetwork && !error.message.isEmpty)
      return nil
    }
  }
}
