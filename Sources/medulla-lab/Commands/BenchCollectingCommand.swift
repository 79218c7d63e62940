import ArgumentParser
import Foundation
import MedullaBase
import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import MedullaSnapshot
import TestbedLink
import TestbedWorkload

/// `medulla bench collecting BUNDLE`.
struct BenchCollectingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collecting",
    abstract: "Measure what sending samples up costs an ACK.",
    discussion: """
      By test run: a sample into a ring that is drained (listened_ns) and into a full one (full_ns); both \
      include the set-up, which empty_ns is. In instructions of the same C natively, where valgrind is \
      installed. And live: a flow over a loopback of its own, with each ACK a decision and each decision a \
      sample, against the same flow with sampling off (ratio). Compare figures of one run only.
      """)

  /// Room for the samples between two drains, that fills soon when nobody drains.
  private static let sampleBytes = 256 << 10

  @Option(help: ArgumentHelp("Seconds of each live reading; 0 leaves the live part out.", valueName: "n"))
  var seconds = 1.0
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The compiled network.")
  var bundle: String

  private struct Figures: Encodable {
    let testRun: CollectingBenchmark.Report
    let live: LiveCollecting.Report?

    enum CodingKeys: String, CodingKey {
      case live
      case testRun = "test_run"
    }
  }

  func validate() throws {
    if !(0...60).contains(seconds) { throw ValidationError("--seconds takes 0 to 60") }
  }

  func run() throws {
    let snapshot = try DatapathSnapshot(SnapshotBundle.open(bundle))
    let report = try CollectingBenchmark(snapshot).run()
    let live = try seconds > 0 ? liveReport(snapshot) : nil
    guard !json else { return print(try JSONText.encode(Figures(testRun: report, live: live))) }
    print("test run, nothing      \(tenths(report.empty)) ns")
    print("sample, with a reader  \(tenths(report.listened)) ns")
    print("sample, ring full      \(tenths(report.full)) ns")
    if let sample = report.sampleInstructions, let ack = report.ackInstructions {
      print("instructions           \(tenths(sample)) for a sample, \(tenths(ack)) for an ACK without one")
    } else {
      print("instructions           not counted: \(report.note ?? "")")
    }
    guard let live else { return }
    for (title, figure) in [("off", live.off), ("with a reader", live.listened), ("unread", live.unheard)] {
      print(
        "live, \(title): \(tenths(figure.nanosecondsPerACK)) ns per ACK, ratio "
          + "\((figure.ratio * 1_000).rounded() / 1_000); \(figure.acknowledgements) ACKs, "
          + "\(figure.samples) samples, \(figure.dropped) dropped")
    }
  }

  /// One flow over a loopback of its own, which decides on every ACK.
  private func liveReport(_ snapshot: DatapathSnapshot) throws -> LiveCollecting.Report {
    let name = "b\(getpid())"
    var configuration = CongestionConfiguration()
    configuration.controller.interval_fraction_q8 = 0
    configuration.controller.interval_min_us = 0
    let instance = try Instance(name)
    let status = try instance.attach(
      CongestionControl(configuration), snapshot, settings: InstanceSettings(sampleBytes: Self.sampleBytes),
      narrate: Narration.tell)
    defer { try? instance.detach() }
    let namespace = try NetworkNamespace(role: "bench")
    defer { namespace.remove() }
    try namespace.configure(["link", "set", "lo", "mtu", "1500"])
    // Slow enough that the path and not the program limits the flow: only then does the network decide.
    try ChildProcess.run(
      ["ip", "netns", "exec", namespace.name, "tc", "qdisc", "add", "dev", "lo", "root", "tbf"]
        + ["rate", "400mbit", "burst", "40000", "limit", "60000"])
    let server = try Iperf3.serve(in: namespace)
    defer { server.end() }
    let duration = Int((seconds + 1) * 3 * Double(LiveCollecting.rounds)) + 10
    let client = try namespace.start(
      ["iperf3", "-c", "127.0.0.1", "-C", status.congestion, "-t", "\(duration)"], output: .discarded,
      errors: .discarded)
    defer { client.end() }
    // Past the start of the flow, in which the network does not decide.
    Thread.sleep(forTimeInterval: 2)
    return try LiveCollecting(instance).run(seconds: seconds)
  }

  private func tenths(_ value: Double) -> String { String((value * 10).rounded() / 10) }
}
