import Foundation
import MedullaCompile
import MedullaDatapath
import TestbedCases
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

/// Whether this machine can run the experiments that attach.
private enum KernelExperimentHost {
  static let needs = "needs root, a kernel with eBPF congestion control, and what real links need"
  static let canAttach: Bool =
    ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1"
    || (TestHost.canEmulateLinks && Doctor().examine().checks.allSatisfy { $0.ok || !$0.required })
}

extension RealLinks {
  /// The experiments with the kernel's congestion control, as short as they can be: that they count and tidy
  /// up, not what they measure.
  @Suite(
    "Experiments in this kernel", .serialized,
    .enabled(if: KernelExperimentHost.canAttach, Comment(rawValue: KernelExperimentHost.needs)))
  struct KernelExperimentTests {
    private static let models = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().appendingPathComponent("../../models").path

    private static let context = StudyContext(models: models, executable: TestHost.lab)

    private func instances(_ prefix: String) -> [String] {
      CongestionControls.available().filter { $0.hasPrefix(prefix) && $0.hasSuffix("\(getpid())") }
    }

    @Test("every update of the plan is made under the flows, and nothing stays attached")
    func updates() throws {
      let plan = try Updates.study.replacing(
        ["updates=10", "pairs=1", "flows=2", "start_seconds=1", "snapshots=4", "rate_mbps=20"],
        in: Updates.study.plan)
      let result = try Updates.study.perform(plan, context: Self.context)
      #expect(result.runs.map { $0[Updates.made] } == [0, 10])
      #expect(result.runs[1].reading.series[Updates.promotionSeries]?.count == 10)
      #expect(result.runs.allSatisfy { ($0[Updates.decision] ?? 0) > 0 })
      #expect(!result.verdict.complete)
      #expect(instances("upd").isEmpty)
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }

    @Test("a soak of seconds survives a kill of the daemon, counts every flow, and tidies up")
    func soak() throws {
      let plan = try Soak.study.replacing(
        [
          "duration_seconds=6", "kill_every=3", "look_every=0.5", "flow_interval=0.1", "alone_seconds=1",
        ], in: Soak.study.plan)
      let end = try #require(Soak.study.perform(plan, context: Self.context).runs.last)
      #expect((end[Soak.begun] ?? 0) > 5)
      #expect(end[Soak.completed] == end[Soak.begun])
      #expect(end[Soak.broken] == 0)
      #expect(end[Soak.taken] == end[Soak.connected])
      #expect(end[Soak.held] == 0)
      #expect(end[Soak.left] == 0)
      #expect(end.faults.isEmpty)
      #expect((end[Soak.kills] ?? 0) >= 1)
      #expect(instances("soak").isEmpty)
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }
  }
}
