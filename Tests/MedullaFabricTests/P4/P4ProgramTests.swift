import Foundation
import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot
import Testing

@Suite("Networks as P4 programs")
struct P4ProgramTests {
  static let seed = SWXTests.seed

  /// By which inputs are told from each other, and two neurons are the largest together.
  static let faultSeed: UInt64 = 14

  struct Example: Sendable, CustomStringConvertible {
    let widths: [Int]
    var scheme = QuantizationScheme.w8a8
    var end = ShiftAddCase.End.scores
    var hidden = Activation.relu
    var terms = ShiftAddSchedule.standardTerms
    var leaves = 1
    var pins: [String: [String]] = [:]

    var description: String { "\(widths) \(scheme) \(end) \(hidden) by \(terms) on \(leaves) \(pins)" }

    func make(seed: UInt64, inferences: Int = 8) throws -> ShiftAddCase {
      try ShiftAddCase(
        widths, scheme: scheme, end: end, hidden: hidden,
        on: .spineLeaf(leaves: leaves, spines: min(leaves, 2), processors: 1), pins: pins,
        inferences: inferences, seed: seed)
    }
  }

  static let three = Example(
    widths: [16, 8, 4, 2], leaves: 3,
    pins: ["dense1": ["leaf1"], "dense2": ["leaf2"], "dense3": ["leaf3"]])

  /// Both halves send a cell; a switch that computes gets one and hands it on.
  static let halves = Example(
    widths: [12, 10, 7, 3], scheme: .w8a10, leaves: 4,
    pins: ["dense1": ["leaf2", "leaf3"], "dense2": ["leaf3", "leaf4"], "dense3": ["leaf3"]])

  static let examples = [
    Example(widths: [4, 3, 2]), Example(widths: [16, 8, 4, 2]),
    Example(widths: [16, 8, 4, 2], scheme: .w8a16, end: .argmax, terms: 4),
    Example(widths: [5, 1], terms: 1),
    Example(widths: [6, 5, 3], hidden: .clip(minimum: -0.5, maximum: 0.7)),
    Example(widths: [6, 5, 3], scheme: .w8a16, hidden: .hardSigmoid(alpha: 0.2, beta: 0.5)),
    three, halves,
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
    "the program's own text, run with its entries, gives the bits of the integer network", arguments: examples
  )
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
        try small.outputs(of: own) == small.inferences[number].outputs,
        "inference \(number), seed \(Self.seed)")
      #expect(own.allSatisfy { $0.header.client == 3 && $0.header.time == UInt64(number + 40) << 8 | 7 })
    }
  }

  @Test(
    "cells take the links that the plan says, and a cell that several need is doubled where the tree forks")
  func links() throws {
    let small = try Self.halves.make(seed: Self.seed)
    let fabric = try P4Fabric(small.plan, small.snapshot)
    var network = try P4Network(fabric, client: small.plan.topology.client, seed: Self.seed)
    for number in small.inferences.indices {
      for frame in try small.frames(of: number, inference: UInt32(number)) { try network.send(frame) }
    }
    try network.run()
    for link in small.plan.links {
      #expect(
        network.crossed["\(link.from) \(link.to)", default: 0] == link.cells * small.inferences.count,
        "\(link.from) \(link.to)")
    }
    // Passes but the last of each cell come round, and so does each copy that stays.
    let cells = fabric.schedules.reduce(0) { $0 + $1.cells.count }
    let passes = fabric.switches.reduce(0) { $0 + $1.passes }
    let ended = cells - fabric.schedules.count
    #expect(
      network.rounds == small.inferences.count * (passes - ended - fabric.schedules.count + cells))
  }

  @Test(
    "what is older than a slot's inference gets no answer; one that lost a cell gets it by another attempt")
  func order() throws {
    let small = try Self.halves.make(seed: Self.seed)
    let fabric = try P4Fabric(small.plan, small.snapshot)
    var network = try P4Network(fabric, client: small.plan.topology.client, seed: Self.seed)
    let sent: [(number: Int, inference: UInt32, attempt: UInt8, isAnswered: Bool)] = [
      (0, 8, 0, true), (1, 0, 0, false), (0, 8, 1, true), (0, 8, 0, false), (2, 16, 0, true),
      (3, UInt32.max - 7, 0, false), (4, 1, 0, true),
    ]
    for one in sent {
      let before = network.answers.count
      for frame in try small.frames(of: one.number, inference: one.inference, attempt: one.attempt) {
        try network.send(frame)
      }
      try network.run()
      let answers = try network.answers[before...].map { try FabricCell($0) }
      #expect(answers.count == (one.isAnswered ? 1 : 0), "\(one), seed \(Self.seed)")
      guard one.isAnswered else { continue }
      #expect(try small.outputs(of: answers) == small.inferences[one.number].outputs, "seed \(Self.seed)")
    }
  }

  @Test("inferences that take one slot from each other mix nothing, and the newest is answered")
  func takenSlots() throws {
    let small = try Self.halves.make(seed: Self.seed, inferences: 24)
    let fabric = try P4Fabric(small.plan, small.snapshot)
    var network = try P4Network(fabric, client: small.plan.topology.client, seed: Self.seed)
    var unanswered = 0
    for first in stride(from: 0, to: 24, by: 3) {
      let before = network.answers.count
      for number in first..<first + 3 {
        for frame in try small.frames(of: number, inference: UInt32(number * 8)) { try network.send(frame) }
      }
      try network.run()
      let cells = try network.answers[before...].map { try FabricCell($0) }
      for number in first..<first + 3 {
        let own = cells.filter { Int($0.header.inference) == number * 8 }
        if own.isEmpty { unanswered += 1 }
        #expect(
          own.isEmpty ? number < first + 2 : try small.outputs(of: own) == small.inferences[number].outputs,
          "inference \(number), seed \(Self.seed)")
      }
    }
    #expect(unanswered > 0, "they should meet, seed \(Self.seed)")
  }

  @Test("a cell that is lost leaves no trace in the attempt after it")
  func loss() throws {
    let small = try ShiftAddCase(
      [40, 6, 3], scheme: .w8a16, cells: CellFormat(payloadBytes: 64), seed: Self.seed)
    let fabric = try P4Fabric(small.plan, small.snapshot)
    var network = try P4Network(fabric, client: small.plan.topology.client, seed: Self.seed)
    for frame in try small.frames(of: 0, inference: 3).dropLast() { try network.send(frame) }
    try network.run()
    #expect(network.answers.isEmpty)
    for frame in try small.frames(of: 1, inference: 3, attempt: 1) { try network.send(frame) }
    try network.run()
    let cells = try network.answers.map { try FabricCell($0) }
    #expect(try small.outputs(of: cells) == small.inferences[1].outputs, "seed \(Self.seed)")
  }

  @Test("frames that are no cells of the network go nowhere")
  func refused() throws {
    let small = try Self.examples[0].make(seed: Self.seed)
    let fabric = try P4Fabric(small.plan, small.snapshot)
    var network = try P4Network(fabric, client: small.plan.topology.client, seed: Self.seed)
    let whole = try small.frames(of: 0, inference: 5)[0]
    for (place, value) in SWXTests.wrong {
      var frame = whole
      frame[place] = UInt8(value)
      try network.send(frame)
    }
    for length in [0, 13, 14, 47, 48, 60] { try network.send(Array(whole.prefix(length))) }
    try network.run()
    // Only a switch that computes looks at clients, and at what a layer's cells must be.
    #expect(network.answers.isEmpty && network.rounds == 3)
    try network.send(whole)
    try network.run()
    let cells = try network.answers.map { try FabricCell($0) }
    #expect(try small.outputs(of: cells) == small.inferences[0].outputs, "seed \(Self.seed)")
  }

  @Test("what depends on nothing but sizes is the program, and what does not fit is refused")
  func sizes() throws {
    let (one, other) = (try Self.examples[1].make(seed: 1), try Self.examples[1].make(seed: 2))
    let programs = try [one, other].map { try P4Fabric($0.plan, $0.snapshot) }
    let bits = try programs.map { try #require($0.program.firstMatch(of: /bit<(\d+)> multiplier/)).1 }
    #expect(
      programs[0].program == programs[1].program || bits[0] != bits[1], "weights are entries, not text")
    #expect(programs[0].switches != programs[1].switches)
    let large = try ShiftAddCase([256, 512, 2], inferences: 0, cells: CellFormat(payloadBytes: 512), seed: 1)
    var options = P4Fabric.Options()
    options.terms = 1
    let error = #expect(throws: FabricError.self) { try P4Fabric(large.plan, large.snapshot, options) }
    #expect(error?.code == .doesNotFit && error?.message.contains("passes of a cell") == true)
  }

  @Test(
    "a fault in the program gives other answers or none",
    arguments: [
      ("(x0 << 3)", "(x0 << 2)"), ("((p1 ^ m1) - m1)", "(p1 ^ m1)"), ("whose == tag", "whose != tag"),
      ("(((product ^ sign) >> shift) ^ sign)", "(product >> shift)"),
      ("(chunks & chunk) == 0", "chunk != 0"), ("count != meta.inputs", "count == meta.inputs"),
      (">= (meta.best ^ SIGN)", "> (meta.best ^ SIGN)"), ("if (meta.turns == 1)", "if (meta.turns == 0)"),
      ("meta.value = meta.low;", "meta.value = meta.high;"), ("egress_rid == HERE", "egress_rid == 2"),
    ])
  func faults(text: String, fault: String) throws {
    var example = Self.halves
    (example.scheme, example.terms) = (.w8a8, 3)
    if text.contains("best") { example.end = .argmax }
    let small = try example.make(seed: Self.faultSeed)
    let fabric = try P4Fabric(small.plan, small.snapshot, Self.options(example.terms))
    try #require(fabric.program.contains(text))
    var network = try P4Network(
      fabric, client: small.plan.topology.client, program: fabric.program.replacing(text, with: fault),
      seed: Self.faultSeed)
    for number in small.inferences.indices {
      for frame in try small.frames(of: number, inference: UInt32(number)) {
        try network.send(frame)
        try network.send(frame)
      }
    }
    try network.run()
    let cells = try network.answers.map { try FabricCell($0) }
    let answers = try small.inferences.indices.map { number in
      try small.outputs(of: cells.filter { Int($0.header.inference) == number })
    }
    #expect(answers != small.inferences.map(\.outputs))
  }

  @Test("files replace those of a program before, and nothing else")
  func files() throws {
    let folder = NSTemporaryDirectory() + "medulla-p4-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let files = FileManager.default
    let small = try Self.three.make(seed: 1)
    let other = try Self.examples[0].make(seed: 1)
    let (wide, one) = (
      try P4Fabric(small.plan, small.snapshot), try P4Fabric(other.plan, other.snapshot)
    )
    try wide.write(to: folder)
    try one.write(to: folder, specification: one.specification())
    #expect(
      try files.contentsOfDirectory(atPath: folder).sorted()
        == ["fabric.p4", "fabric.spec", "leaf1.commands", "spine1.commands"])
    #expect(try String(contentsOfFile: folder + "/fabric.p4", encoding: .utf8) == one.program)
    #expect(
      try String(contentsOfFile: folder + "/leaf1.commands", encoding: .utf8) == one.switches[0].commands)
    try files.removeItem(atPath: folder + "/fabric.p4")
    let refused = #expect(throws: FabricError.self) { try wide.write(to: folder) }
    #expect(refused?.code == .badPlan && !files.fileExists(atPath: folder + "/fabric.p4"))
  }

  @Test("program, commands and specification of a small network are as they were reviewed")
  func golden() throws {
    let small = try ShiftAddCase([3, 2, 2], end: .argmax, inferences: 0, seed: 5)
    let fabric = try P4Fabric(small.plan, small.snapshot, Self.options(4))
    try compare(fabric.program, with: "small.p4")
    try compare(fabric.switches[0].commands, with: "small.commands")
    try compare(fabric.specification().text, with: "small.spec")
  }

  /// With MEDULLA_UPDATE_GOLDEN set the reviewed files are written instead.
  private func compare(_ text: String, with name: String) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("golden").appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["MEDULLA_UPDATE_GOLDEN"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == text, "\(name) changed")
  }
}
