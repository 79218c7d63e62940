import Foundation
import MedullaSnapshot
import TestbedLink

/// The ns-3 scenario in which senders choose paths, compiled with one network of paths linked in.
package struct PathProgram: Sendable {
  /// One inference that the scenario recorded, in fixed point.
  package struct Inference: Codable, Equatable, Sendable {
    package var features: [Int64]
    package var outputs: [Int64]
  }

  /// What became of one flow, and what it saw.
  package struct Flow: Codable, Equatable, Sendable {
    package var flow: Int
    package var bytes: Int
    /// From 0; the last one, of a flow that was moved.
    package var path: Int
    package var questions: Int
    package var moves: Int
    package var segments: Int
    /// Of the segments, those that had been sent before.
    package var again: Int
    /// Mean of its smoothed round trip; 0 when there was none.
    package var meanRttUs: Double
    /// From the application's connect to the last byte read; nil when the run ended before.
    package var fctNs: Int?
    package var answeredNs: Int?
    package var first: Inference?
    package var last: Inference?

    /// nil when it saw no round trip.
    package var cost: Double? {
      guard meanRttUs > 0, segments > 0 else { return nil }
      return PathCost.bits(meanRoundTrip: meanRttUs, againShare: Double(again) / Double(segments))
    }
  }

  package struct Output: Equatable, Sendable {
    package var flows: [Flow]
    package var totals: FabricProgram.Totals
  }

  /// One run of a program.
  package struct Simulation: Sendable {
    package var program: PathProgram
    package var flows: [FabricFlow]
    package var options: [String: String]

    package init(_ program: PathProgram, _ flows: [FabricFlow], _ options: [String: String]) {
      (self.program, self.flows, self.options) = (program, flows, options)
    }
  }

  package let path: String
  package let snapshot: Snapshot

  /// Compiles the scenario; what is up to date in `directory` is kept.
  package init(_ build: ScenarioBuild, _ file: SnapshotFile, directory: URL) throws {
    path = try build.program("balancing", file, in: directory)
    snapshot = file.snapshot
  }

  /// Runs simulations, some at a time, and reads what they wrote, in order.
  package static func run(_ simulations: [Simulation], atOnce: Int) throws -> [Output] {
    var running: [(child: ChildProcess, file: URL)] = []
    defer { for (_, file) in running { try? FileManager.default.removeItem(at: file) } }
    var outputs: [Output] = []
    for index in simulations.indices {
      while running.count < min(max(atOnce, 1), simulations.count - index),
        index + running.count < simulations.count
      {
        running.append(try start(simulations[index + running.count], number: index + running.count))
      }
      let (child, file) = running.removeFirst()
      defer { try? FileManager.default.removeItem(at: file) }
      let outcome = try child.finish(within: FabricProgram.limit)
      guard outcome.status == 0 else { throw child.failure(outcome) }
      outputs.append(try parse(outcome.output, flows: simulations[index].flows.count))
    }
    return outputs
  }

  private static func start(
    _ simulation: Simulation, number: Int
  ) throws -> (child: ChildProcess, file: URL) {
    let lines = simulation.flows.map { flow in
      "\(flow.startNanoseconds) \(flow.source) \(flow.destination) \(flow.bytes) \(flow.firstWriteBytes) 0\n"
    }
    let path = simulation.program.path
    let file = URL(fileURLWithPath: path).deletingLastPathComponent()
      .appendingPathComponent("flows-\(getpid())-\(number).txt")
    try Data(lines.joined().utf8).write(to: file)
    let arguments = simulation.options.sorted { $0.key < $1.key }.map { "--\($0.key)=\($0.value)" }
    return (try ChildProcess([path, "--flows=\(file.path)"] + arguments), file)
  }

  /// Reads the scenario's JSON lines.
  ///
  /// - Throws: `unreadableReport` when a line is malformed or flows are missing.
  static func parse(_ output: [UInt8], flows: Int) throws -> Output {
    let (records, totals) = try FabricProgram.records(Flow.self, in: output)
    guard records.map(\.flow) == Array(0..<flows) else {
      throw FabricProgram.missing(records.count, of: flows)
    }
    return Output(flows: records, totals: totals)
  }

  /// Recorded inferences that are not what the reference interpreter gives.
  package static func mismatches(_ output: Output, _ snapshot: Snapshot) -> (checked: Int, wrong: Int) {
    let interpreter = ReferenceInterpreter(snapshot)
    let recorded = output.flows.flatMap { [$0.first, $0.last].compactMap { $0 } }
    let wrong = recorded.filter {
      $0.features.count != snapshot.shape.inputs || interpreter.run(features: $0.features) != $0.outputs
    }
    return (recorded.count, wrong.count)
  }
}
