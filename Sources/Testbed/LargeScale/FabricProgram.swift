import Foundation
import MedullaSnapshot
import TestbedLink

/// The ns-3 scenario, compiled with one snapshot linked in.
package struct FabricProgram: Sendable {
  /// One inference that the scenario recorded, in fixed point.
  package struct Inference: Codable, Equatable, Sendable {
    package var features: [Int64]
    package var output: Int64
  }

  /// What became of one flow.
  package struct Flow: Codable, Equatable, Sendable {
    package var flow: Int
    package var bytes: Int
    package var trueBand: Int
    package var band: Int
    package var questions: Int
    /// From the application's connect to the last byte read; nil when the run ended before.
    package var fctNs: Int?
    package var answeredNs: Int?
    package var first: Inference?
    package var last: Inference?
  }

  /// What the whole run counted, as far as it is read here.
  package struct Totals: Codable, Equatable, Sendable {
    package var digest: String
    package var dropped: Int
    package var asked: Int
    package var refused: Int
    package var waitMeanNs: Double
  }

  package struct Output: Equatable, Sendable {
    package var flows: [Flow]
    package var totals: Totals
  }

  static let sourceName = "scheduling.cc"
  /// The longest run, in real time.
  static let limit = Duration.seconds(4 * 3600)

  package let path: String

  /// Compiles the scenario; what is up to date in `directory` is kept.
  ///
  /// - Parameter sources: the directory of the scenario's C++.
  package init(sources: String, snapshot: SnapshotFile, directory: URL) throws {
    path = try ScenarioBuild(sources: sources, common: directory)
      .program("scheduling", snapshot, in: directory)
  }

  /// Where the scenario's C++ is: `scenarios/ns3` below the working directory or beside the program's.
  package static func sources() throws -> String {
    try ProjectFile.directory(
      "scenarios/ns3", holding: sourceName, remedy: "say where it is by --set scenario=PATH")
  }

  /// Runs the scenario over `flows`, at low priority, and reads what it wrote.
  package func run(
    _ flows: [FabricFlow], features: [[Int64]], bands: FlowBands, options: [String: String]
  ) throws -> Output {
    let list = zip(flows, features).map { flow, features in
      let head = [
        flow.startNanoseconds, flow.source, flow.destination, flow.bytes, flow.firstWriteBytes,
        bands.band(ofBytes: flow.bytes),
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
    let (records, totals) = try records(Flow.self, in: output)
    guard records.map(\.flow) == Array(0..<flows) else { throw missing(records.count, of: flows) }
    return Output(flows: records, totals: totals)
  }

  /// Reads a line for each flow, and one for the run.
  static func records<Record: Decodable>(
    _ type: Record.Type, in output: [UInt8]
  ) throws -> (flows: [Record], totals: Totals) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let lines = output.split(separator: UInt8(ascii: "\n"))
    do {
      let records = try lines.dropLast().map { try decoder.decode(type, from: Data($0)) }
      return (records, try decoder.decode(Totals.self, from: Data(lines.last ?? [])))
    } catch let error as DecodingError {
      throw TestbedError(
        .unreadableReport, "The scenario's output cannot be read: \(error)",
        remedy: "Compile it again: the scenario and this program belong to different versions.")
    }
  }

  static func missing(_ count: Int, of flows: Int) -> TestbedError {
    TestbedError(
      .unreadableReport, "The scenario reported \(count) flows of \(flows).",
      remedy: "Run it by hand to see more.")
  }

  /// Recorded inferences that are not what the reference interpreter gives.
  package static func mismatches(_ output: Output, _ snapshot: Snapshot) -> (checked: Int, wrong: Int) {
    let interpreter = ReferenceInterpreter(snapshot)
    let recorded = output.flows.flatMap { [$0.first, $0.last].compactMap { $0 } }
    let wrong = recorded.filter {
      $0.features.count != snapshot.shape.inputs || interpreter.run(features: $0.features) != [$0.output]
    }
    return (recorded.count, wrong.count)
  }
}
