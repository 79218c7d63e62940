import Foundation
import MedullaBase
import Testing

@testable import MedullaLabels

/// Error rates from votes by another program, which shares no line with the product.
private enum IndependentEstimate {
  struct Given: Encodable {
    let classes: Int
    let votes: [[Int]]
  }
  struct Found: Decodable {
    var confusion: [[[Double]]]?
    var accuracies: [Double]?
    let posteriors: [[Double]]
  }

  private static let environment = ProcessInfo.processInfo.environment
  private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  /// That of `make setup`, which has NumPy.
  static let interpreter =
    environment["MEDULLA_PYTHON"] ?? here.appendingPathComponent("../../../.venv/bin/python").path
  static let withSnorkel = environment["MEDULLA_SNORKEL"] ?? ""

  static func isHere(_ program: String) -> Bool { FileManager.default.isExecutableFile(atPath: program) }

  /// - Parameter votes: of each flow each agent's class, or −1.
  static func found(_ model: String, _ votes: [[Int]], classes: Int, by program: String) throws -> Found {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "medulla-votes-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (source, target) = (folder.appendingPathComponent("given"), folder.appendingPathComponent("found"))
    try JSONEncoder().encode(Given(classes: classes, votes: votes)).write(to: source)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [
      here.appendingPathComponent("independent_estimate.py").path, model, source.path, target.path,
    ]
    try process.run()
    process.waitUntilExit()
    return try JSONDecoder().decode(Found.self, from: Data(contentsOf: target))
  }
}

@Suite("Error rates of agents, as others estimate them")
struct IndependentEstimateTests {
  private static let flows = 4_000
  private static let abstains = 0.3

  /// Votes of agents with a row of the confusion for each class; −1 where one abstains.
  private func drawn(
    _ confusion: [[[Double]]], priors: [Double], seed: UInt64
  ) -> [[Int]] {
    var generator = SeededGenerator(seed: seed)
    func pick(_ shares: [Double]) -> Int {
      var rest = generator.unit()
      for (place, share) in shares.enumerated() {
        rest -= share
        if rest < 0 { return place }
      }
      return shares.count - 1
    }
    return (0..<Self.flows).map { _ in
      let own = pick(priors)
      return confusion.map { agent in generator.chance(Self.abstains) ? -1 : pick(agent[own]) }
    }
  }

  private func votes(_ rows: [[Int]]) -> [[Vote]] {
    rows.map { row in
      row.enumerated().compactMap { $1 < 0 ? nil : Vote(agent: $0, label: $1) }
    }
  }

  /// The share of flows with the same most probable class, and with probabilities within 0.02.
  private func agreement(_ own: [[Double]], _ others: [[Double]]) -> (labels: Double, probabilities: Double) {
    let pairs = zip(own, others)
    func place(_ row: [Double]) -> Int? { row.firstIndex(of: row.max() ?? 0) }
    let labels = pairs.filter { place($0) == place($1) }.count
    let close = pairs.filter { zip($0, $1).allSatisfy { abs($0 - $1) <= 0.02 } }.count
    return (Double(labels) / Double(own.count), Double(close) / Double(own.count))
  }

  private static let symmetric = [0.9, 0.8, 0.7, 0.85, 0.6]

  @Test(
    "of agents that err alike in all classes: the one coin of Dawid and Skene",
    .enabled(
      if: IndependentEstimate.isHere(IndependentEstimate.interpreter), "no Python: `make setup` makes one"),
    arguments: [2, 3], 1...2)
  func oneCoin(classes: Int, seed: Int) throws {
    let priors = classes == 2 ? [0.6, 0.4] : [0.5, 0.3, 0.2]
    let rows = drawn(
      Self.symmetric.map { AgentErrors.oneCoin($0, classes: classes) }, priors: priors, seed: UInt64(seed))
    try compare(.oneCoin, "one-coin", rows, classes: classes, sought: Self.symmetric, seed: seed)
  }

  @Test(
    "of agents that err more in one class: the matrices of Dawid and Skene",
    .enabled(
      if: IndependentEstimate.isHere(IndependentEstimate.interpreter), "no Python: `make setup` makes one"),
    arguments: 1...2)
  func fullConfusion(seed: Int) throws {
    let confusion = [(0.95, 0.7), (0.8, 0.9), (0.7, 0.85), (0.9, 0.9), (0.6, 0.8)].map {
      [[$0, 1 - $0], [1 - $1, $1]]
    }
    let sought = confusion.map { 0.6 * $0[0][0] + 0.4 * $0[1][1] }
    let rows = drawn(confusion, priors: [0.6, 0.4], seed: UInt64(seed))
    try compare(.fullConfusion, "full-confusion", rows, classes: 2, sought: sought, seed: seed)
  }

  private func compare(
    _ model: DawidSkene.Model, _ name: String, _ rows: [[Int]], classes: Int, sought: [Double], seed: Int
  ) throws {
    let votes = votes(rows)
    let errors = DawidSkene(model).estimate(votes, agents: sought.count, classes: classes)
    let found = try IndependentEstimate.found(
      name, rows, classes: classes, by: IndependentEstimate.interpreter)
    let confusion = try #require(found.confusion)
    for agent in sought.indices {
      for own in 0..<classes {
        for vote in 0..<classes {
          let pair = (errors.confusion[agent][own][vote], confusion[agent][own][vote])
          #expect(abs(pair.0 - pair.1) <= 0.02, "seed \(seed), agent \(agent), class \(own): \(pair)")
        }
      }
      #expect(abs(errors.accuracy(of: agent) - sought[agent]) <= 0.05, "seed \(seed), agent \(agent)")
    }
    let agreed = agreement(votes.map { DawidSkene.posterior($0, errors) }, found.posteriors)
    #expect(agreed.labels >= 0.99 && agreed.probabilities >= 0.99, "seed \(seed): \(agreed)")
  }

  @Test(
    "of agents that err alike in both classes: snorkel's label model",
    .enabled(
      if: IndependentEstimate.isHere(IndependentEstimate.withSnorkel),
      "MEDULLA_SNORKEL names no interpreter that has snorkel"),
    arguments: 1...2)
  func snorkel(seed: Int) throws {
    let rows = drawn(
      Self.symmetric.map { AgentErrors.oneCoin($0, classes: 2) }, priors: [0.5, 0.5], seed: UInt64(seed))
    let found = try IndependentEstimate.found(
      "snorkel", rows, classes: 2, by: IndependentEstimate.withSnorkel)
    let accuracies = try #require(found.accuracies)
    let votes = votes(rows)
    let errors = DawidSkene(.oneCoin).estimate(votes, agents: accuracies.count, classes: 2)
    for (agent, other) in accuracies.enumerated() {
      let own = errors.accuracy(of: agent)
      #expect(abs(own - other) <= 0.02, "seed \(seed), agent \(agent): \(own) and \(other)")
    }
    // Where nobody, or as many on either side, says something, chance and rounding decide.
    let told = zip(votes.map { DawidSkene.posterior($0, errors) }, found.posteriors).filter { own, _ in
      abs(own[0] - 0.5) > 0.02
    }
    let agreed = agreement(told.map { $0.0 }, told.map { $0.1 })
    #expect(told.count > 3_000 && agreed.labels >= 0.99, "seed \(seed): \(agreed) of \(told.count)")
  }
}
