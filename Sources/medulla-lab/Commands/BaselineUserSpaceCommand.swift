import ArgumentParser
import Foundation
import MedullaBase
import MedullaSnapshot
import TestbedBaselines
import TestbedLink

/// `medulla baseline user-space BUNDLE -- COMMAND`.
struct BaselineUserSpaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "user-space",
    abstract: "Congestion control with its inference in user space, while a command runs.",
    discussion: """
      The kernel reports a flow's features through a ring buffer, a process of its own infers and writes the \
      action into a map, and the flow takes it at its next acknowledgement. Prints what was done. Without \
      COMMAND it serves until Ctrl-C.

        medulla baseline user-space out/aurora.medulla --report 10ms -- \\
          medulla link --rate 100mbit --delay 5ms --iperf3 -- sh -c 'iperf3 -c $MEDULLA_SERVER -C user_space'
      """)

  enum Measuring: String, ExpressibleByArgument, CaseIterable {
    case roundTrips = "round-trips"
    case reports
  }

  enum Waiting: String, ExpressibleByArgument, CaseIterable {
    case wakeups
    case forced
    case polling
  }

  @Option(help: "Its name for TCP.")
  var name = "user_space"
  @Option(
    help: ArgumentHelp(
      "When features go up: `ack` (every acknowledgement), `decision` (when one is due), or a time.",
      valueName: "when"))
  var report = "ack"
  @Option(help: "What a monitor interval is: a round trip, or from one report to the next.")
  var measure = Measuring.roundTrips
  @Option(help: "How the process hears of reports: woken when needed, woken for each, or always looking.")
  var wait = Waiting.wakeups
  @Option(
    help: ArgumentHelp(
      "Infer with ONNX Runtime in this interpreter instead of natively; it needs onnxruntime and numpy.",
      valueName: "python"))
  var onnxruntime: String?
  @Option(help: "The processor that the process keeps to.")
  var processor: Int?
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The compiled network.")
  var bundle: String
  @Argument(parsing: .postTerminator, help: "The command and its arguments.")
  var command: [String] = []

  func run() throws {
    Interruption.watch()
    let opened = try SnapshotBundle.open(bundle)
    let inference = try UserSpaceInference(
      name: name, snapshot: opened.snapshot, configuration: configuration(model: opened.modelPath))
    try inference.start()
    Narration.tell("TCP has \(inference.congestion) until this command ends.")
    let status = try serve()
    guard let statistics = try inference.stop() else { return }
    print(try json ? JSONText.encode(statistics) : Self.text(statistics))
    if status != 0 { throw ExitCode(status) }
  }

  private func configuration(model: String) throws -> UserSpaceConfiguration {
    let reporting: UserSpaceConfiguration.Reporting
    switch report {
    case "ack": reporting = .everyAcknowledgement
    case "decision": reporting = .everyDecision
    default: reporting = .every(.nanoseconds(Int64(clamping: try Quantity.nanoseconds(report))))
    }
    let waiting: UserSpaceConfiguration.Waiting
    switch wait {
    case .wakeups: waiting = .wakeups
    case .forced: waiting = .forcedWakeups
    case .polling: waiting = .polling
    }
    return UserSpaceConfiguration(
      reporting: reporting,
      engine: onnxruntime.map { .onnxRuntime(python: $0, model: model) } ?? .native,
      measuring: measure == .reports ? .reports : .roundTrips, waiting: waiting, processor: processor)
  }

  /// Waits for the command's end, or for a signal.
  private func serve() throws -> Int32 {
    guard !command.isEmpty else {
      while !Interruption.hasCome { try? Interruption.sleep(.milliseconds(200)) }
      return 0
    }
    let child = try ChildProcess(command, input: .inherited, output: .inherited, errors: .inherited)
    while child.isRunning, !Interruption.hasCome { try? Interruption.sleep(.milliseconds(50)) }
    child.end(patience: .seconds(5))
    return try child.finish(within: .seconds(1), uninterrupted: true).status
  }

  private static func text(_ statistics: UserSpaceStatistics) -> String {
    let agent = statistics.agent
    func microseconds(_ nanoseconds: Int) -> String { String(format: "%.1f µs", Double(nanoseconds) / 1000) }
    return """
      acknowledgements   \(statistics.acknowledgements)
      reports            \(statistics.reports), \(statistics.droppedReports) dropped
      decisions          \(statistics.decisions) of \(statistics.decisionsDue) that were due
      answers            \(agent.answers) after \(agent.wakeups) wakeups
      report to answer   \(microseconds(agent.medianNanoseconds)) median, \
      \(microseconds(agent.percentile99Nanoseconds)) 99%, \(microseconds(agent.maximumNanoseconds)) at most
      processor          \(String(format: "%.1f", agent.processorShare * 100))% of one
      """
  }
}
