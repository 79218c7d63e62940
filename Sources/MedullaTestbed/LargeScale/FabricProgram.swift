import Foundation
import MedullaCodegen
import MedullaSnapshot

/// The ns-3 scenario, compiled with one snapshot linked in.
public struct FabricProgram: Sendable {
  /// One inference that the scenario recorded, in fixed point.
  public struct Inference: Codable, Equatable, Sendable {
    public var features: [Int64]
    public var output: Int64
  }

  /// What became of one flow.
  public struct Flow: Codable, Equatable, Sendable {
    public var flow: Int
    public var bytes: Int
    public var trueBand: Int
    public var band: Int
    public var questions: Int
    /// From the application's connect to the last byte read; nil when the run ended before.
    public var fctNs: Int?
    public var answeredNs: Int?
    public var first: Inference?
    public var last: Inference?
  }

  /// What the whole run counted.
  public struct Totals: Codable, Equatable, Sendable {
    public var digest: String
    public var events: Int
    public var simulatedNs: Int
    public var wallS: Double
    public var dropped: Int
    public var marked: Int
    public var asked: Int
    public var refused: Int
    public var waitMeanNs: Double
    public var waitMostNs: Double
  }

  public struct Output: Equatable, Sendable {
    public var flows: [Flow]
    public var totals: Totals
  }

  static let sourceName = "scheduling.cc"
  /// The longest run, in real time.
  static let limit = Duration.seconds(4 * 3600)

  public let path: String

  /// Compiles the scenario; what is up to date in `directory` is kept.
  ///
  /// - Parameter sources: the directory of the scenario's C++.
  public init(sources: String, snapshot: SnapshotFile, directory: URL) throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    for (name, text) in SnapshotSource(snapshot).files {
      let file = directory.appendingPathComponent(name)
      // An unchanged file keeps its time, so that make compiles nothing again.
      if (try? String(contentsOf: file, encoding: .utf8)) != text {
        try text.write(to: file, atomically: true, encoding: .utf8)
      }
    }
    try ChildProcess.run(
      ["nice", "-n", "5", "make", "-C", sources, "BUILD=\(directory.path)", "SNAPSHOT=\(directory.path)"],
      within: .seconds(900))
    path = directory.appendingPathComponent("scheduling").path
  }

  /// Where the scenario's C++ is: `scenarios/ns3` below the working directory or beside the program's.
  public static func sources() throws -> String {
    try ProjectFile.directory("scenarios/ns3", holding: sourceName, setting: "scenario")
  }

  /// Runs the scenario over `flows`, at low priority, and reads what it wrote.
  public func run(
    _ flows: [FabricFlow], features: [[Int64]], bands: FlowBands, options: [String: String]
  ) throws -> Output {
    let list = zip(flows, features).map { flow, features in
      let head = [
        flow.startNanoseconds, flow.source, flow.destination, flow.bytes, bands.band(ofBytes: flow.bytes),
      ]
      return (head.map(String.init) + features.map(String.init)).joined(separator: " ") + "\n"
    }
    let file = URL(fileURLWithPath: path).deletingLastPathComponent()
      .appendingPathComponent("flows-\(getpid()).txt")
    try Data(list.joined().utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let arguments = options.sorted { $0.key < $1.key }.map { "--\($0.key)=\($0.value)" }
    let outcome = try ChildProcess.run(
      ["nice", "-n", "15", path, "--flows=\(file.path)"] + arguments, within: Self.limit)
    return try Self.parse(outcome.output, flows: flows.count)
  }

  /// Reads the scenario's JSON lines.
  ///
  /// - Throws: `unreadableReport` when a line is malformed or flows are missing.
  static func parse(_ output: [UInt8], flows: Int) throws -> Output {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let lines = output.split(separator: UInt8(ascii: "\n"))
    do {
      let records = try lines.dropLast().map { try decoder.decode(Flow.self, from: Data($0)) }
      let totals = try decoder.decode(Totals.self, from: Data(lines.last ?? []))
      guard records.map(\.flow) == Array(0..<flows) else {
        throw TestbedError(
          .unreadableReport, "The scenario reported \(records.count) flows of \(flows).",
          remedy: "Run it by hand to see more.")
      }
      return Output(flows: records, totals: totals)
    } catch let error as DecodingError {
      throw TestbedError(
        .unreadableReport, "The scenario's output cannot be read: \(error)",
        remedy: "Compile it again: the scenario and this program belong to different versions.")
    }
  }

  /// Recorded inferences that are not what the reference interpreter gives.
  public static func mismatches(_ output: Output, _ snapshot: Snapshot) -> (checked: Int, wrong: Int) {
    let interpreter = ReferenceInterpreter(snapshot)
    let recorded = output.flows.flatMap { [$0.first, $0.last].compactMap { $0 } }
    let wrong = recorded.filter {
      $0.features.count != snapshot.shape.inputs || interpreter.run(features: $0.features) != [$0.output]
    }
    return (recorded.count, wrong.count)
  }
}
