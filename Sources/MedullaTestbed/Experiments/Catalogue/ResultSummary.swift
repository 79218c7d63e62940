import Foundation

/// What the result files of all experiments have in common.
public struct ResultSummary: Decodable, Sendable {
  public struct Environment: Decodable, Sendable {
    public var host: HostFacts
    public var method: String
  }

  public struct Verdict: Decodable, Sendable {
    public var met: Bool
    public var complete: Bool
    public var misses: [String]
  }

  /// Anything: only its place in a list counts.
  private struct Ignored: Decodable {
    init(from decoder: any Decoder) throws {}
  }

  private enum CodingKeys: String, CodingKey {
    case schema, experiment, environment, runs, verdict, summary
  }

  public var experiment: String
  public var environment: Environment
  public var verdict: Verdict
  public var rows: [VerdictRow]
  public var runCount: Int

  public init(from decoder: any Decoder) throws {
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
  public init(contentsOf path: String) throws {
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
