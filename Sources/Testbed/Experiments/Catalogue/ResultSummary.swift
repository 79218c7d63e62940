import Foundation
import TestbedLink

/// What the result files of all experiments have in common.
package struct ResultSummary: Decodable, Sendable {
  package struct Environment: Decodable, Sendable {
    package var host: HostFacts
    package var method: String
  }

  package struct Verdict: Decodable, Sendable {
    package var met: Bool
    package var complete: Bool
    package var misses: [String]
  }

  /// Anything: only its place in a list counts.
  private struct Ignored: Decodable {
    init(from decoder: any Decoder) throws {}
  }

  private struct Schema: Decodable {
    let schema: Int
  }

  private enum CodingKeys: String, CodingKey {
    case schema, experiment, environment, verdict, runs, sittings
    case rows = "summary"
  }

  private let schema: Int
  package let experiment: String
  package let environment: Environment
  package let verdict: Verdict
  package let rows: [VerdictRow]
  private let runs: [Ignored]
  /// More than one where it was interrupted and resumed; nil in files of before that could be.
  package let sittings: Int?

  package var runCount: Int { runs.count }

  /// Reads a result file; throws `unreadableReport` with what is wrong with it.
  package init(contentsOf path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TestbedError(.fileFailed, "\(path) cannot be read.", remedy: "Run the experiment first.")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let unreadable = { (reason: String) in
      TestbedError(
        .unreadableReport, "\(path) cannot be read: \(reason).", remedy: "Run the experiment again.")
    }
    if let schema = try? decoder.decode(Schema.self, from: data).schema, schema != ResultSchema.version {
      throw unreadable("it has schema \(schema), and this program reads \(ResultSchema.version)")
    }
    guard let summary = try? decoder.decode(Self.self, from: data) else {
      throw unreadable("it is no result file")
    }
    self = summary
  }
}
