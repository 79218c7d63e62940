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

  private enum CodingKeys: String, CodingKey {
    case schema, experiment, environment, runs, verdict, summary
  }

  package var experiment: String
  package var environment: Environment
  package var verdict: Verdict
  package var rows: [VerdictRow]
  package var runCount: Int

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let schema = try fields.decode(Int.self, forKey: .schema)
    guard schema == ResultSchema.version else {
      throw DecodingError.dataCorruptedError(
        forKey: .schema, in: fields,
        debugDescription: "it has schema \(schema), and this program reads \(ResultSchema.version)")
    }
    experiment = try fields.decode(String.self, forKey: .experiment)
    environment = try fields.decode(Environment.self, forKey: .environment)
    verdict = try fields.decode(Verdict.self, forKey: .verdict)
    rows = try fields.decode([VerdictRow].self, forKey: .summary)
    runCount = try fields.decode([Ignored].self, forKey: .runs).count
  }

  /// Reads a result file; throws `unreadableReport` with what is wrong with it.
  package init(contentsOf path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TestbedError(.fileFailed, "\(path) cannot be read.", remedy: "Run the experiment first.")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(Self.self, from: data)
    } catch {
      let reason =
        if case .dataCorrupted(let context)? = error as? DecodingError { context.debugDescription } else {
          "it is no result file"
        }
      throw TestbedError(
        .unreadableReport, "\(path) cannot be read: \(reason).", remedy: "Run the experiment again.")
    }
  }
}
