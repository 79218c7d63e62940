import Foundation
import MedullaBase
import MedullaFabric
import MedullaSnapshot
import Testing

/// The figures of docs/use/fabric-tables.md.
@Suite("What tables reach", .serialized)
struct TableGridTests {
  /// `medulla features extract … --csv` of the classifier's recording.
  private static let rows = ProcessInfo.processInfo.environment["MEDULLA_TABLES_ROWS"]

  private static let ports: [String: Int] = ["8080": 0, "5201": 1, "5222": 2, "4000": 3]

  private struct Flow {
    let features: [Int64]
    let label: Int
  }

  /// Flows of the recording whose features are not among the samples.
  private static func flows(_ path: String, _ example: TableExample) throws -> [Flow] {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    let known = Set(example.samples)
    return lines.dropFirst().compactMap { line in
      let fields = line.split(separator: ",").map(String.init)
      guard let label = ports[fields[3]] else { return nil }
      let features = example.snapshot.shape.fixedPoint(fields.dropFirst(5).compactMap { Float($0) })
      return known.contains(features) ? nil : Flow(features: features, label: label)
    }
  }

  @Test("the grid of group sizes and leaves", .enabled(if: rows != nil, "set MEDULLA_TABLES_ROWS"))
  func grid() throws {
    let classifier = try TableExample.classifier()
    let flows = try Self.flows(try #require(Self.rows), classifier)
    #expect(flows.count > 60)
    let right = flows.count {
      ClassAnswer(classifier.reference.run(features: $0.features)).row == $0.label
    }
    print("integer network: \(right) of \(flows.count) flows right")
    for least in [0, 2_000] {
      try Self.table("\(least) samples at least", classifier, least: least) { tables in
        let right = flows.count { ClassAnswer(tables.run(features: $0.features)).row == $0.label }
        return Double(right) / Double(flows.count)
      }
    }
    for seed in [1, 2, 3] as [UInt64] {
      let example = try TableExample.drawn([16, 8, 4, 2], seed: seed)
      try Self.table("\(example.name), seed \(seed)", example) { _ in nil }
    }
  }

  @Test("the grid of bits of keys and sums", .enabled(if: rows != nil, "set MEDULLA_TABLES_ROWS"))
  func widths() throws {
    let classifier = try TableExample.classifier()
    for (group, leaves) in [(1, 16), (2, 32), (4, 32)] {
      for (keys, sums) in [
        (6, 16), (8, 16), (10, 16), (12, 16), (16, 16), (62, 62), (12, 12), (12, 10), (12, 8),
      ] {
        let options = FuzzyTableOptions(groupSize: group, leaves: leaves, sumBits: sums, keyBits: keys)
        print(try "| \(keys) | \(sums) " + Self.row(classifier, options) { _ in nil })
      }
    }
  }

  /// Multiply-accumulates, and the shifts and additions that they are with weights as sums of signed powers
  /// of two, as few as there are (the non-adjacent form).
  @Test("what sums of products take", .enabled(if: rows != nil, "set MEDULLA_TABLES_ROWS"))
  func products() throws {
    for example in [try TableExample.classifier(), try TableExample.drawn([16, 8, 4, 2], seed: 1)] {
      let weights = example.snapshot.parameters.steps.flatMap { step -> [Int32] in
        if case .linear(let linear) = step { linear.weights } else { [] }
      }
      let digits = weights.reduce(0) { $0 + ($1.magnitude ^ (3 * $1.magnitude)).nonzeroBitCount }
      print("\(example.name): \(weights.count) products, \(digits) shifts and additions")
    }
  }

  private static func table(
    _ name: String, _ example: TableExample, least: Int = 2_000, labels: (FuzzyTables) -> Double?
  ) throws {
    print(name)
    for refined in [0, 1, Int.max] {
      for group in [1, 2, 4] {
        for leaves in [1, 4, 8, 16, 32, 64] {
          print(
            try row(
              example,
              FuzzyTableOptions(
                groupSize: group, leaves: leaves, refinedLayers: refined, leastSamples: least), labels))
        }
      }
    }
  }

  private static func row(
    _ example: TableExample, _ options: FuzzyTableOptions,
    _ labels: (FuzzyTables) -> Double?
  ) throws -> String {
    let tables = try FuzzyTables(example.snapshot, samples: example.samples, options: options)
    let seen = example.agreement(on: example.samples) { tables.run(features: $0) }
    let unseen = example.agreement(on: example.unseen) { tables.run(features: $0) }
    let error = example.error(on: example.unseen) { tables.run(features: $0) }
    let cost = tables.cost
    let words = [
      options.refinedLayers == .max ? "all" : "\(options.refinedLayers)", "\(options.groupSize)",
      "\(options.leaves)", percent(labels(tables)), percent(seen), percent(unseen), percent(error),
      "\(cost.lookups)", "\(cost.additions)", "\(cost.rangeEntries)", "\(cost.ternaryEntries)",
      "\(cost.tcamBits)", "\(cost.sramBits)",
    ]
    return "| \(words.joined(separator: " | ")) |"
  }

  private static func percent(_ part: Double?) -> String {
    part.map { String(format: "%.1f", $0 * 100) } ?? "–"
  }
}
