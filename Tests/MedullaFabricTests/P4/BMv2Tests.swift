import MedullaFabric
import Testing

@Suite("Networks in BMv2", .serialized)
struct BMv2Tests {
  @Test(
    "the compiled program gives the bits of the integer network",
    .enabled(if: BMv2.isUsable, BMv2.reason), arguments: P4ProgramTests.examples.filter { $0.leaves == 1 })
  func answers(example: P4ProgramTests.Example) throws {
    let small = try example.make(seed: SWXTests.seed)
    var options = P4Fabric.Options()
    options.terms = example.terms
    let fabric = try P4Fabric(small.plan, small.snapshot, options)
    let frames = try small.inferences.indices.flatMap { number -> [[UInt8]] in
      let own = try small.frames(of: number, client: 1, inference: UInt32(number))
      return own + own
    }
    let found = try BMv2().frames(fabric, at: "leaf1", frames, answers: small.inferences.count)
    let cells = try found.map { try FabricCell($0) }
    for number in small.inferences.indices {
      let own = cells.filter { Int($0.header.inference) == number }
      #expect(
        try small.outputs(of: own) == small.inferences[number].outputs,
        "inference \(number), seed \(SWXTests.seed)")
    }
  }
}
