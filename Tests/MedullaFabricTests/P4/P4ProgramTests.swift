import Foundation
import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot
import Testing

@Suite("Networks as P4 programs")
struct P4ProgramTests {
  static let seed = SWXTests.seed

  struct Example: Sendable, CustomStringConvertible {
    let widths: [Int]
    var scheme = QuantizationScheme.w8a8
    var end = ShiftAddCase.End.scores
    var terms = ShiftAddSchedule.standardTerms
    var leaves = 1
    var pins: [String: [String]] = [:]

    var description: String { "\(widths) \(scheme) \(end) by \(terms) on \(leaves) \(pins)" }

    func make(seed: UInt64, inferences: Int = 8) throws -> ShiftAddCase {
      try ShiftAddCase(
        widths, scheme: scheme, end: end,
        on: .spineLeaf(leaves: leaves, spines: min(leaves, 2), processors: 1), pins: pins,
        inferences: inferences, seed: seed)
    }
  }

  static let examples = [
    Example(widths: [4, 3, 2]), Example(widths: [16, 8, 4, 2]),
    Example(widths: [16, 8, 4, 2], scheme: .w8a16, end: .argmax, terms: 4), Example(widths: [5, 1], terms: 1),
    Example(
      widths: [16, 8, 4, 2], leaves: 3, pins: ["dense1": ["leaf1"], "dense2": ["leaf2"], "dense3": ["leaf3"]]),
    // Both halves send a cell; a switch that computes gets one and hands it on.
    Example(
      widths: [12, 10, 7, 3], scheme: .w8a10, leaves: 4,
      pins: ["dense1": ["leaf2", "leaf3"], "dense2": ["leaf3", "leaf4"], "dense3": ["leaf3"]]),
    Example(
      widths: [10, 9, 6], end: .argmax, terms: 3, leaves: 3,
      pins: ["dense1": ["leaf1", "leaf2", "leaf3"], "dense2": ["leaf2"]]),
  ]

  private static func options(_ terms: Int) -> P4Fabric.Options {
    var options = P4Fabric.Options()
    options.terms = terms
    return options
  }

  @Test(
    "the program's own text, run with its entries, gives the bits of the integer network", arguments: examples)
  func program(example: Example) throws {
    let small = try example.make(seed: Self.seed)
    let fabric = try P4Fabric(small.plan, small.snapshot, Self.options(example.terms))
    var network = try P4Network(fabric, client: small.plan.topology.client, seed: Self.seed)
    // All at once, and each cell twice: as many as a client may have on their way.
    for number in small.inferences.indices {
      for frame in try small.frames(of: number, client: 3, inference: UInt32(number + 40)) {
        try network.send(frame)
        try network.send(frame)
      }
    }
    try network.run()
    let cells = try network.answers.map { try FabricCell($0) }
    for number in small.inferences.indices {
      let own = cells.filter { Int($0.header.inference) == number + 40 }
      #expect(
        try small.outputs(of: own) == small.inferences[number].outputs, "inference \(number), seed \(Self.seed)")
      #expect(own.allSatisfy { $0.header.client == 3 && $0.header.time == UInt64(number + 40) << 8 | 7 })
    }
  }
}
