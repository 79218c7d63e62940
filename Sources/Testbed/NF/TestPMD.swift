import Foundation
import TestbedLink

/// DPDK's forwarder over the bench's devices (net_af_xdp), on the processor that functions have.
final class TestPMD {
  static let program = ForwardBench.testPMD
  private static let patience = Duration.seconds(20)
  private static let settling: useconds_t = 500_000
  private let process: ChildProcess
  private let isSent: Bool

  init(on bench: ForwardBench, isSent: Bool) throws {
    self.isSent = isSent
    let devices = [ForwardBench.input] + (isSent ? [ForwardBench.output] : [])
    let ports = devices.enumerated().flatMap { ["--vdev", "net_af_xdp\($0.offset),iface=\($0.element)"] }
    let command =
      [
        // Else its words wait until it ends.
        "stdbuf", "-oL", Self.program, "--no-huge", "-m", "512", "--no-shconf", "--no-pci", "--file-prefix",
        "medulla-\(getpid())", "--no-telemetry", "-l",
        "0,\(ForwardBench.processor)", "--main-lcore", "0",
      ] + ports + [
        "--", "--interactive", "--total-num-mbufs=16384",
        "--forward-mode=\(isSent ? "io" : "rxonly")",
      ]
    process = try bench.namespace.start(
      // Nothing else shall share the devices, and the dispatcher does not load everywhere.
      command, environment: ["LIBXDP_SKIP_DISPATCHER": "1"], input: .pipe, errors: .discarded)
    process.send("start\n")
    try awaitLine("Logical Core")
    // What starts its threads has the generator's processor, and would wait for it.
    usleep(Self.settling)
  }

  private func awaitLine(_ words: String) throws {
    while let line = try process.readLine(within: Self.patience) {
      if line.contains(words) { return }
    }
    throw failure("It has ended before it forwarded.")
  }

  private func failure(_ cause: String) -> TestbedError {
    TestbedError(
      .processFailed, "\(Self.program) does not forward over the testbed's devices.", cause: cause,
      remedy: "Install dpdk-dev (`make testbed`), or leave testpmd out of `ways`.")
  }

  /// Ends it.
  ///
  /// - Returns: packets that it received, or sent on, by its own count over all ports.
  func finish() throws -> Int {
    process.send("stop\nquit\n")
    var isTotal = false
    var found: Int?
    while let line = try process.readLine(within: Self.patience) {
      if line.contains("Accumulated forward statistics") { isTotal = true }
      guard isTotal, let range = line.range(of: isSent ? "TX-packets:" : "RX-packets:") else { continue }
      found = line[range.upperBound...].split(separator: " ").first.flatMap { Int($0) }
    }
    _ = try process.finish(within: Self.patience)
    guard let found else { throw failure("Its statistics are not what this program reads.") }
    return found
  }

  deinit {
    process.end()
    try? FileManager.default.removeItem(atPath: "/var/run/dpdk/\(Self.files)")
  }

  /// What its files are called.
  private static var files: String { "medulla-\(getpid())" }
}
