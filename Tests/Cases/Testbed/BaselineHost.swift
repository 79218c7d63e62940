import Foundation
import MedullaCompile
import MedullaDatapath
import MedullaSnapshot
import TestbedBaselines
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// What the baselines' tests need of this machine.
package enum BaselineHost {
  package static let needs =
    "needs root, a kernel with eBPF congestion control, clang, and what real links need"
  package static let canAttach: Bool =
    ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1"
    || (TestHost.canEmulateLinks && Doctor().examine().checks.allSatisfy { $0.ok || !$0.required })

  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().resolvingSymlinksInPath().appendingPathComponent("../../..").standardized
  package static let models = root.appendingPathComponent("models").path

  /// The shipped network, and what user-space inference runs of it, made once for all tests.
  package static let snapshot = Result { try ShippedNetwork(directory: models).first }
  package static let programs = Result { try UserSpacePrograms(snapshot.get()) }

  /// The interpreter that has onnxruntime and numpy: `MEDULLA_PYTHON`, else what `make setup` makes.
  package static let python: String? = {
    let own = root.appendingPathComponent(".venv/bin/python").path
    let named = ProcessInfo.processInfo.environment["MEDULLA_PYTHON"]
    return [named, own].compactMap { $0 }.first { interpreter in
      let run = try? ChildProcess.run([interpreter, "-c", "import onnxruntime, numpy"])
      return run?.status == 0
    }
  }()

  /// One flow over a new link, and what the link saw of it.
  package static func transfer(
    _ congestion: String, rate: Double, delayMilliseconds: UInt64, buffer: Int, seconds: Int,
    markAbove: Int? = nil
  ) throws -> (result: TransferResult, window: PathWindow) {
    let configuration = LinkConfiguration(
      forward: PathConfiguration(
        bitsPerSecond: rate, delayNanoseconds: delayMilliseconds * 1_000_000, bufferBytes: buffer,
        markAboveBytes: markAbove),
      backward: PathConfiguration(delayNanoseconds: delayMilliseconds * 1_000_000))
    return try LinkEmulator.with(configuration, executable: TestHost.lab) { link in
      try link.client.set(["net.ipv4.tcp_ecn=\(markAbove == nil ? 2 : 1)"])
      try link.server.set(["net.ipv4.tcp_ecn=\(markAbove == nil ? 2 : 1)"])
      let transfer = try Transfer(.init(congestion: congestion, seconds: seconds), over: link)
      try Interruption.sleep(.seconds(1))
      try link.beginWindow()
      let result = try transfer.finish()
      let report = try link.stop()
      return (result, report.forward.windows[1])
    }
  }
}
