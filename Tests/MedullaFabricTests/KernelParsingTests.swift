import CMedullaFabric
import InferenceCases
import MedullaBase
import MedullaFabric
import MedullaKernel
import MedullaSnapshot
import Testing

@Suite("Frames at a switch's program", .serialized, .enabled(if: TestFabric.isUsable, TestFabric.reason))
struct KernelParsingTests {
  private static let drop: UInt32 = 1
  private static let pass: UInt32 = 2
  private static let send: UInt32 = 3
  private static let redirect: UInt32 = 4
  /// None of the test's own.
  private static let otherClient: UInt16 = 3

  private static func snapshot() throws -> Snapshot {
    var random = SeededGenerator(seed: 9)
    let network = try ImageNetwork.small.network(using: &random)
    return try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(
      network, Calibration(samples: ImageNetwork.images(8, using: &random)))
  }

  private static func frame(_ change: (inout fabric_cell) -> Void = { _ in }) -> [UInt8] {
    var cell = fabric_cell()
    cell.type = UInt8(FABRIC_DATA.rawValue)
    (cell.hops, cell.chunks, cell.length, cell.client) = (8, 32, 96, otherClient)
    change(&cell)
    return FabricCell.frame(cell, payload: [UInt8](repeating: 7, count: Int(cell.length)), size: 1_200)
  }

  @Test("each frame has the fate that its header says")
  func fates() throws {
    let fabric = try TestFabric(Self.snapshot(), on: .spineLeaf(leaves: 3, spines: 1, processors: 1))
    let program = try BPFProgram(pinned: fabric.names.pins(of: "leaf1") + "/fabric_receive")
    let cases: [(String, [UInt8], UInt32)] = [
      ("a cell of inputs", Self.frame(), Self.drop),
      ("the same again", Self.frame(), Self.drop),
      ("of no model", Self.frame { $0.model = 3 }, Self.drop),
      ("of a model beyond all", Self.frame { $0.model = 60_000 }, Self.drop),
      ("of no epoch", Self.frame { $0.epoch = 7 }, Self.drop),
      ("of no layer", Self.frame { $0.label = 40 }, Self.drop),
      ("of no client", Self.frame { $0.client = 999 }, Self.drop),
      ("of another number of cells", Self.frame { $0.chunks = 5 }, Self.drop),
      ("without a hop left", Self.frame { ($0.hops, $0.label) = (0, 1) }, Self.drop),
      ("of another layer", Self.frame { ($0.label, $0.chunk, $0.chunks) = (6, 0, 1) }, Self.redirect),
      ("of another protocol", [UInt8](repeating: 0x45, count: 1_248), Self.pass),
      ("too short for a cell", Array(Self.frame().prefix(200)), Self.pass),
      ("of another version", Self.frame().enumerated().map { $0 == 14 ? 0x21 : $1 }, Self.drop),
    ]
    for (name, frame, verdict) in cases {
      let outcome = try program.run(on: frame)
      #expect(outcome.verdict == verdict, "\(name): \(outcome.verdict)")
    }
    let leaf = try #require(FabricStatus(fabric.names).switches.first { $0.name == "leaf1" })
    let first = try #require(leaf.stages.first)
    #expect(first.cells == 2 && first.repeated == 1 && first.refused >= 2 && leaf.foreign == 1)
  }

  @Test("mutated frames do no harm to what others ask")
  func mutations() throws {
    let snapshot = try Self.snapshot()
    let fabric = try TestFabric(snapshot, on: .spineLeaf(leaves: 3, spines: 1, processors: 1))
    let seed = UInt64.random(in: .min ... .max)
    var random = SeededGenerator(seed: seed)
    let programs = try ["leaf1", "leaf2", "spine1"].map {
      try BPFProgram(pinned: fabric.names.pins(of: $0) + "/fabric_receive")
    }
    for _ in 0..<3_000 {
      var frame = Self.frame { cell in
        cell.type = UInt8.random(in: 1...4, using: &random)
        cell.label = UInt16.random(in: 0...7, using: &random)
        cell.chunk = UInt16.random(in: 0...31, using: &random)
        cell.length = UInt16.random(in: 0...1_200, using: &random)
        cell.inference = UInt32.random(in: 0...5, using: &random)
      }
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        // Anything but whose it is.
        let place = [Int.random(in: 12...21, using: &random), Int.random(in: 24...1_247, using: &random)]
          .randomElement(using: &random)
        frame[place ?? 14] = UInt8.random(in: 0...255, using: &random)
      }
      for program in programs {
        let verdict = try program.run(on: frame).verdict
        #expect((Self.drop...Self.redirect).contains(verdict), "seed \(seed)")
      }
    }
    var values = SeededGenerator(seed: 10)
    let inputs = ImageNetwork.images(8, using: &values).map { snapshot.shape.fixedPoint($0) }
    let reference = ReferenceInterpreter(snapshot)
    let answers = try FabricClient(fabric.names).infer(inputs, window: 4).map(\.outputs)
    #expect(answers == inputs.map { reference.run(features: $0) }, "seed \(seed)")
  }
}
