import Foundation
import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot
import Testing

@Suite("Plans of a network over a fabric")
struct PlanTests {
  private static func file(_ widths: [Int] = [40, 24, 12, 5]) throws -> SnapshotFile {
    var generator = SeededGenerator(seed: 7)
    let layers = zip(widths, widths.dropFirst()).flatMap { inputs, outputs -> [Layer] in
      let weights = (0..<inputs * outputs).map { _ in Float(generator.unit() - 0.5) }
      return [
        .dense(
          Dense(
            inputs: inputs, outputs: outputs, weights: weights, bias: [Float](repeating: 0.1, count: outputs))
        ),
        .activation(.relu),
      ]
    }
    let network = try Network(
      name: "small", inputShape: TensorShape([widths[0]]), layers: layers.dropLast())
    let samples = (0..<64).map { _ in (0..<widths[0]).map { _ in Float(generator.unit()) } }
    let quantizer = Quantizer(QuantizerOptions(scheme: .w8a8))
    return try SnapshotFile(quantizer.quantize(network, Calibration(samples: samples, ranges: nil)))
  }

  private static func plan(
    _ file: SnapshotFile, _ topology: FabricTopology, _ constraints: PlacementConstraints = .init()
  ) throws -> FabricPlan {
    let placer = try Placer(file.snapshot.shape, constraints)
    return try FabricPlan(
      file.snapshot, digest: file.digest, placer.stages, try placer.place(on: topology), on: topology)
  }

  private static func apart(_ layers: [(String, [String])]) -> PlacementConstraints {
    var constraints = PlacementConstraints()
    for (layer, switches) in layers { constraints.pinned[layer] = switches }
    return constraints
  }

  @Test("cells go from the client through the layers' switches and back, and links carry what they say")
  func ways() throws {
    let topology = FabricTopology.spineLeaf(leaves: 4, spines: 2, processors: 1)
    let pins = Self.apart([("dense1", ["leaf2"]), ("dense2", ["leaf3", "leaf4"]), ("dense3", ["leaf2"])])
    let plan = try Self.plan(Self.file(), topology, pins)
    #expect(plan.labels.map(\.sources) == [["leaf1"], ["leaf2"], ["leaf3", "leaf4"], ["leaf2"]])
    #expect(plan.labels.map(\.destinations) == [["leaf2"], ["leaf3", "leaf4"], ["leaf2"], ["leaf1"]])
    // Both halves of dense2 send a cell of their own.
    #expect(plan.labels.map(\.cells) == [1, 1, 2, 1])
    // A cell that two switches need is doubled at the spine, not before.
    let total = plan.links.reduce(0) { $0 + $1.cells }
    #expect(total == 2 + 3 + 4 + 2)
    #expect(plan.switches.filter { $0.processors == 0 }.reduce(0) { $0 + $1.cellsForwarded } == 1 + 1 + 2 + 1)
    for link in plan.links where link.cells > 0 {
      #expect(link.bytes == link.cells * 1_248)
      #expect(link.inferencesPerSecond == 10e9 / Double(8 * link.bytes))
    }
  }

  @Test("a plan that is read again is the one that was written, with its network")
  func folder() throws {
    let folder = NSTemporaryDirectory() + "medulla-plan-\(UUID())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = try Self.file()
    let plan = try Self.plan(file, .spineLeaf(leaves: 3, spines: 2, processors: 2))
    let path = folder + "/plan"
    _ = try PlanFolder.write(plan, file, to: path)
    let read = try PlanFolder.read(path)
    #expect(read.plan == plan && read.file == file)
    // Again, over the one that is there.
    let other = try Self.plan(file, .spineLeaf(leaves: 1, spines: 1, processors: 1))
    _ = try PlanFolder.write(other, file, to: path)
    #expect(try PlanFolder.read(path).plan == other)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["plan"])
  }

  @Test("what is no plan stays, and is told from one")
  func noPlan() throws {
    let folder = NSTemporaryDirectory() + "medulla-plan-\(UUID())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = try Self.file()
    let plan = try Self.plan(file, .spineLeaf(leaves: 1, spines: 1, processors: 1))
    try Data("mine".utf8).write(to: URL(fileURLWithPath: folder + "/notes"))
    let refused = #expect(throws: FabricError.self) { try PlanFolder.write(plan, file, to: folder) }
    #expect(refused?.code == .badPlan && refused?.message.contains("is no plan") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["notes"])
    #expect(throws: FabricError.self) { try PlanFolder.read(folder) }
    let path = folder + "/plan"
    _ = try PlanFolder.write(plan, file, to: path)
    let text = try String(contentsOfFile: path + "/plan.json", encoding: .utf8)
    for (damage, words) in [
      (text.replacing("\"planVersion\" : 2", with: "\"planVersion\" : 9"), "of version 9"),
      (text.replacing("\"digest\"", with: "\"digst\""), "no plan that can be read"),
      (String(text.prefix(200)), "no plan that can be read"),
      (text.replacing(plan.digest, with: String(repeating: "0", count: 64)), "of another network"),
    ] {
      try Data(damage.utf8).write(to: URL(fileURLWithPath: path + "/plan.json"))
      let error = #expect(throws: FabricError.self) { try PlanFolder.read(path) }
      #expect(error?.message.contains(words) == true, "\(words): \(String(describing: error))")
    }
  }

  @Test("the picture has every switch and layer, and is well-formed")
  func picture() throws {
    let file = try Self.file()
    let plan = try Self.plan(file, .spineLeaf(leaves: 5, spines: 2, processors: 2))
    let svg = PlanPicture(plan).svg
    let parser = XMLParserCheck()
    #expect(parser.isWellFormed(svg))
    for name in plan.switches.map(\.name) + plan.stages.map(\.name) { #expect(svg.contains(name)) }
    let text = PlanTables(plan).text
    for name in plan.switches.map(\.name) + plan.stages.map(\.name) { #expect(text.contains(name)) }
  }
}

/// Whether tags of a text open and close in order.
struct XMLParserCheck {
  func isWellFormed(_ text: String) -> Bool {
    var open: [Substring] = []
    for match in text.matches(of: /<(\/?)([a-z]+)([^<>]*?)(\/?)>/) {
      let (name, closes, isAlone) = (match.2, !match.1.isEmpty, !match.4.isEmpty)
      if isAlone { continue }
      if closes {
        guard open.popLast() == name else { return false }
      } else {
        open.append(name)
      }
    }
    return open.isEmpty && !text.contains("& ") && text.hasPrefix("<svg ")
  }
}
