import Foundation
import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot
import Testing

@Suite("Networks in DPDK's software switch", .serialized)
struct SWXTests {
  static let seed: UInt64 =
    ProcessInfo.processInfo.environment["MEDULLA_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...UInt64.max)

  struct Example: Sendable, CustomStringConvertible {
    let widths: [Int]
    var scheme = QuantizationScheme.w8a8
    var end = ShiftAddCase.End.scores
    var terms = ShiftAddSchedule.standardTerms

    var description: String { "\(widths) \(scheme) \(end) by \(terms)" }
  }

  static let examples = [
    Example(widths: [4, 3, 2]), Example(widths: [16, 8, 4, 2]), Example(widths: [16, 8, 4, 2], end: .argmax),
    Example(widths: [16, 8, 4, 2], scheme: .w8a10, terms: 3), Example(widths: [9, 5, 4], scheme: .w8a16),
    Example(widths: [5, 1]), Example(widths: [20, 6, 5], scheme: .w8a16, end: .argmax, terms: 1),
  ]

  /// Bytes of a cell of [4, 3, 2] that make it another's or none: protocol, version, type, hops, model,
  /// epoch, label, client, chunk, chunks, length, and what must be 0.
  static let wrong = [
    (12, 0x08), (14, 0x21), (14, 0x13), (15, 65), (15, 0), (17, 1), (19, 1), (21, 9), (23, 4), (29, 1),
    (31, 2), (33, 5), (35, 1),
    (39, 1),
  ]

  @Test(
    "answers are the bits of the integer network, whatever order cells come in, and how often",
    .enabled(if: SWXOracle.isUsable, SWXOracle.reason), arguments: examples)
  func answers(example: Example) throws {
    let oracle = try SWXOracle()
    let small = try ShiftAddCase(
      example.widths, scheme: example.scheme, end: example.end, inferences: 64, seed: Self.seed)
    let specification = try SWXSpecification(
      ShiftAddSchedule.all(of: small.plan, small.snapshot, terms: example.terms), clients: 4, inferences: 8)
    // Eight at once, as a client may have them; each twice, and the pairs shuffled.
    var random = SeededGenerator(seed: Self.seed)
    let numbers = Array(small.inferences.indices)
    let frames = try stride(from: 0, to: numbers.count, by: 8).flatMap { first in
      try numbers[first..<first + 8].flatMap { number -> [[UInt8]] in
        let own = try small.frames(of: number, client: 2, inference: UInt32(1_000 + number))
        return own + own
      }.shuffled(using: &random)
    }
    let cells = try oracle.cells(specification.text, frames, batch: 16)
    #expect(cells.count == numbers.count, "seed \(Self.seed)")
    for number in numbers {
      let own = cells.filter { Int($0.header.inference) == 1_000 + number && $0.header.client == 2 }
      #expect(
        try small.outputs(of: own) == small.inferences[number].outputs,
        "inference \(number), seed \(Self.seed)")
    }
  }

  @Test(
    "what is older than a slot's inference gets no answer, another attempt does",
    .enabled(if: SWXOracle.isUsable, SWXOracle.reason))
  func order() throws {
    let oracle = try SWXOracle()
    let small = try ShiftAddCase([4, 3, 2], seed: Self.seed)
    let specification = try SWXSpecification(
      ShiftAddSchedule.all(of: small.plan, small.snapshot), clients: 4, inferences: 8)
    let sent: [(number: Int, inference: UInt32, attempt: UInt8, isAnswered: Bool)] = [
      (0, 8, 0, true), (1, 0, 0, false), (0, 8, 1, true), (0, 8, 0, false), (2, 16, 0, true),
      (3, UInt32.max - 7, 0, false), (4, 1, 0, true),
    ]
    let frames = try sent.flatMap {
      try small.frames(of: $0.number, inference: $0.inference, attempt: $0.attempt)
    }
    let cells = try oracle.cells(specification.text, frames, batch: 1)
    #expect(
      cells.map { [$0.header.inference, UInt32($0.header.attempt)] }
        == sent.filter(\.isAnswered).map { [$0.inference, UInt32($0.attempt)] }, "seed \(Self.seed)")
    for (cell, expected) in zip(cells, sent.filter(\.isAnswered)) {
      #expect(try small.outputs(of: [cell]) == small.inferences[expected.number].outputs, "seed \(Self.seed)")
      #expect(cell.header.time == UInt64(expected.inference) << 8 | 7)
    }
  }

  @Test(
    "frames that are no cells of the network go nowhere",
    .enabled(if: SWXOracle.isUsable, SWXOracle.reason))
  func refused() throws {
    let oracle = try SWXOracle()
    let small = try ShiftAddCase([4, 3, 2], seed: Self.seed)
    let specification = try SWXSpecification(
      ShiftAddSchedule.all(of: small.plan, small.snapshot), clients: 4, inferences: 8)
    let whole = try small.frames(of: 0, inference: 5)[0]
    let frames = Self.wrong.map { place, value in
      var frame = whole
      frame[place] = UInt8(value)
      return frame
    }
    let cells = try oracle.cells(specification.text, frames + [whole], batch: 1)
    #expect(cells.count == 1 && cells[0].header.inference == 5)
    #expect(try small.outputs(of: cells) == small.inferences[0].outputs, "seed \(Self.seed)")
  }

  @Test("a network on two switches, and one that is too large, are refused")
  func limits() throws {
    let apart = try ShiftAddCase(
      [4, 3, 2], on: .spineLeaf(leaves: 2, spines: 1, processors: 1),
      pins: ["dense1": ["leaf1"], "dense2": ["leaf2"]], seed: 1)
    let large = try ShiftAddCase([240, 150, 8], seed: 1)
    for (small, words) in [(apart, "leaf1, leaf2"), (large, "passes")] {
      let schedules = try ShiftAddSchedule.all(of: small.plan, small.snapshot)
      let error = #expect(throws: FabricError.self) {
        try SWXSpecification(schedules, clients: 4, inferences: 8)
      }
      #expect(
        error?.code == .doesNotFit && error?.message.contains(words) == true, "\(String(describing: error))")
    }
  }

  @Test(
    "a fault in the specification gives other answers or none",
    .enabled(if: SWXOracle.isUsable, SWXOracle.reason),
    arguments: [
      ("sub m.sum m.t", "add m.sum m.t"), ("shl m.t 2", "shl m.t 3"),
      ("xor m.product m.sign", "xor m.product 0"),
      ("add m.count m.t", "add m.count 0"), ("jmplt LESS1_0 m.total m.t", "jmplt LESS1_0 m.t m.total"),
    ])
  func faults(text: String, fault: String) throws {
    let small = try ShiftAddCase(
      [10, 4, 3], end: text.contains("LESS") ? .argmax : .scores, seed: P4ProgramTests.faultSeed)
    let specification = try SWXSpecification(
      ShiftAddSchedule.all(of: small.plan, small.snapshot), clients: 4, inferences: 8
    ).text
    try #require(specification.contains(text))
    let frames = try small.inferences.indices.flatMap { try small.frames(of: $0, inference: UInt32($0)) }
    let cells = try SWXOracle().cells(specification.replacing(text, with: fault), frames, batch: 1)
    let answers = try small.inferences.indices.map { number in
      try small.outputs(of: cells.filter { Int($0.header.inference) == number })
    }
    #expect(answers != small.inferences.map(\.outputs))
  }
}
