import Foundation
import GRDB
import MedullaAdaptation
import MedullaCompile
import MedullaDatapath

/// A sampled decision as the history has it: the integers that the network was asked, and what it answered.
/// Since inference is bit-exact, they are enough to say what any other network would have answered.
package struct RecordedDecision: Sendable, Equatable, Codable {
  /// Seconds since 1970, of the batch that it came in.
  package var time: Double
  /// The function's name in the list of functions.
  package var kind: String
  /// Of the sample, of its flow in the instance, and of the snapshot that decided.
  package var sample: UInt64
  package var flow: UInt64
  package var version: UInt64
  /// Both in the shape's fixed point.
  package var features: [Int64]
  package var outputs: [Int64]
  /// In the function's own order and units (`DatapathFunction.outcomes`).
  package var outcomes: [Int64]
  package var featureFractionBits: Int
  package var outputFractionBits: Int

  /// The samples of a batch.
  static func all(of batch: Batch, kind: String, at time: Double) -> [RecordedDecision] {
    batch.samples.map { sample in
      RecordedDecision(
        time: time, kind: kind, sample: sample.id, flow: sample.flow, version: sample.version,
        features: sample.features,
        outputs: sample.outputs, outcomes: sample.outcomes, featureFractionBits: batch.featureFractionBits,
        outputFractionBits: batch.outputFractionBits)
    }
  }

  /// For people: who with whom where the function tells it, else the flow's number.
  package var flowText: String {
    FunctionList.all[kind]?.flow(ofOutcomes: outcomes) ?? "flow \(flow)"
  }

  /// In the network's units.
  var naturalFeatures: [Float] {
    let unit = Double(sign: .plus, exponent: -featureFractionBits, significand: 1)
    return features.map { Float(Double($0) * unit) }
  }

  /// The columns of its row that are not columns of their own.
  fileprivate struct Body: Codable {
    let kind: String
    let features: [Int64]
    let outputs: [Int64]
    let outcomes: [Int64]
    let bits: [Int]
  }

  fileprivate var body: Body {
    Body(
      kind: kind, features: features, outputs: outputs, outcomes: outcomes,
      bits: [featureFractionBits, outputFractionBits])
  }
}

/// Which recorded decisions are wanted.
package struct DecisionQuery: Sendable, Equatable {
  package var function: String
  /// Of this flow only.
  package var flow: UInt64?
  /// The newest so many.
  package var limit: Int

  package init(function: String, flow: UInt64? = nil, limit: Int = 1_000_000) {
    self.function = function
    self.flow = flow
    self.limit = max(limit, 1)
  }
}

extension HistoryRows {
  static func insert(
    _ decisions: [RecordedDecision], of function: String, limit: Int, into database: Database
  ) throws {
    let statement = try database.cachedStatement(
      sql: "INSERT INTO decision (time, function, sample, flow, version, body) VALUES (?, ?, ?, ?, ?, ?)")
    let encoder = JSONEncoder()
    for decision in decisions {
      try statement.execute(arguments: [
        decision.time, function, Int64(bitPattern: decision.sample), Int64(bitPattern: decision.flow),
        Int64(bitPattern: decision.version),
        String(decoding: try encoder.encode(decision.body), as: UTF8.self),
      ])
    }
    try database.cachedStatement(
      sql: """
        DELETE FROM decision WHERE function = ?1 AND id <= \
        (SELECT id FROM decision WHERE function = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
        """
    ).execute(arguments: [function, limit])
  }

  /// Oldest first.
  static func decisions(_ query: DecisionQuery, in database: Database) throws -> [RecordedDecision] {
    let filter = query.flow == nil ? "" : "AND flow = ?"
    let flow = query.flow.map { [Int64(bitPattern: $0)] as [any DatabaseValueConvertible] } ?? []
    let rows = try Row.fetchAll(
      database, sql: "SELECT * FROM decision WHERE function = ? \(filter) ORDER BY id DESC LIMIT ?",
      arguments: StatementArguments([query.function] + flow + [query.limit]))
    let decoder = JSONDecoder()
    return try rows.reversed().map { row in
      let body = try decoder.decode(RecordedDecision.Body.self, from: Data((row["body"] as String).utf8))
      guard body.bits.count == 2 else {
        throw ControlError(.history, "a recorded decision of \(query.function) has no number formats")
      }
      return RecordedDecision(
        time: row["time"], kind: body.kind, sample: UInt64(bitPattern: row["sample"]),
        flow: UInt64(bitPattern: row["flow"]),
        version: UInt64(bitPattern: row["version"]), features: body.features, outputs: body.outputs,
        outcomes: body.outcomes, featureFractionBits: body.bits[0], outputFractionBits: body.bits[1])
    }
  }
}
