import MedullaBase
import MedullaFlows
import MedullaSnapshot
import TestbedCaptures
import TestbedLink

/// Labelled flows of captures, the categories among them that can be judged, and how captures are parted.
struct ApplicationFlows: Sendable {
  /// Captures by who may learn from them.
  struct Parts: Equatable {
    var training: [Int]
    var test: [Int]
  }

  /// Flows of one part; those that were never decided stand apart.
  struct Sample {
    var words: [[Int64]] = []
    var labels: [Int] = []
    var pending: [Int] = []
  }

  let captures: [LabelledCapture]
  /// Of captures' places.
  let groups: [[Int]]
  /// Sorted.
  let categories: [String]
  /// Captures that were given for training and for the test; nil: each round draws.
  private let given: Parts?
  private let testShare: Double

  /// - Parameters:
  ///   - test: captures from which nothing is learned; nil: a share of all, drawn anew in each round.
  ///   - least: groups with a decided flow that a category needs.
  /// - Throws: `badParameter` when fewer than two categories are left.
  init(_ captures: [LabelledCapture], test: [LabelledCapture]? = nil, least: Int, testShare: Double) throws {
    self.captures = captures + (test ?? [])
    self.testShare = testShare
    groups = CaptureGroups.groups(of: self.captures)
    let all = self.captures
    let present = groups.map { Self.categories(of: $0.map { all[$0] }) }
    let counts = present.joined().reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
    categories = counts.filter { $0.value >= least }.map(\.key).sorted()
    // What the test shows too is not learned from.
    let shown = Set(groups.filter { $0.contains { $0 >= captures.count } }.joined())
    given = test.map { _ in
      Parts(
        training: captures.indices.filter { !shown.contains($0) },
        test: Array(all.indices[captures.count...]))
    }
    try Study.require(
      categories.count > 1,
      "Of the captures' categories \(categories.count) have decided flows in \(least) of them.",
      remedy: "Give more captures, or a lower least_captures.")
  }

  private static func categories(of captures: [LabelledCapture]) -> Set<String> {
    Set(captures.flatMap(\.flows).filter { $0.words != nil }.map(\.category))
  }

  /// Captures of one group are on one side.
  func parts(seed: UInt64) -> Parts {
    if let given { return given }
    let known = Set(categories)
    let split = CaptureSplit(
      groups.map { Self.categories(of: $0.map { captures[$0] }).intersection(known) }, test: testShare,
      seed: seed)
    func places(_ some: [Int]) -> [Int] { some.flatMap { groups[$0] }.sorted() }
    return Parts(training: places(split.training), test: places(split.test))
  }

  func sample(of places: [Int]) -> Sample {
    let numbers = Dictionary(uniqueKeysWithValues: categories.enumerated().map { ($1, $0) })
    var sample = Sample()
    for flow in places.flatMap({ captures[$0].flows }) {
      guard let label = numbers[flow.category] else { continue }
      guard let words = flow.words else {
        sample.pending.append(label)
        continue
      }
      sample.words.append(words)
      sample.labels.append(label)
    }
    return sample
  }

  /// All that were decided, of whatever category.
  var decided: [[Int64]] { captures.flatMap(\.flows).compactMap(\.words) }

  /// Groups with a decided flow, decided flows and flows that were never decided, of one category.
  func counts(of category: String) -> [Double] {
    let own = groups.map { $0.flatMap { captures[$0].flows }.filter { $0.category == category } }
    let decided = own.map { $0.filter { $0.words != nil }.count }
    let all = own.reduce(0) { $0 + $1.count }
    return [decided.filter { $0 > 0 }.count, decided.reduce(0, +), all - decided.reduce(0, +)].map(
      Double.init)
  }

  /// Of flows of the categories, how many nDPI has told by their ports alone.
  var guessedShare: Double {
    let own = captures.flatMap(\.flows).filter { $0.words != nil && categories.contains($0.category) }
    return Double(own.filter(\.isGuessedByPort).count) / Double(max(own.count, 1))
  }

  /// Reads a directory; a capture of a link from which no flows are read is left out.
  static func read(_ directory: String, packets: Int, narrate: (String) -> Void) throws -> [LabelledCapture] {
    let folder = try CaptureFolder(directory)
    let inputs = try FlowInputs(ApplicationInputs.all)
    let captures = try folder.names.compactMap { name -> LabelledCapture? in
      try Interruption.check()
      return try LabelledCapture.read(
        name, of: folder, inputs: inputs, at: .packet(UInt64(packets)), idle: .seconds(60))
    }
    narrate(
      "\(folder.path): \(captures.count) of \(folder.names.count) captures, "
        + "\(captures.reduce(0) { $0 + $1.flows.count }) labelled flows")
    return captures
  }
}
