import Foundation
import MedullaDatapath
import Testing

@testable import MedullaTestbed

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

    private func instances(_ prefix: String) -> [String] {
      CongestionControls.available().filter { $0.hasPrefix(prefix) && $0.hasSuffix("\(getpid())") }
    }

    @Test("every update of the plan is made under the flows, and nothing stays attached")
    func updates() throws {
      var plan = UpdatesPlan()
      (plan.updates, plan.pairs, plan.flows, plan.warmUp, plan.snapshots) = (10, 1, 2, 1, 4)
      plan.rateMbps = 20
      let experiment = try UpdatesExperiment(plan, models: Self.models, executable: TestHost.medulla)
      let result = try experiment.run { _, _, _, _ in }
      #expect(result.runs.map(\.updates) == [0, 10])
      #expect(result.runs[1].promotionMs.count == 10)
      #expect(result.runs.allSatisfy { $0.decisions > 0 })
      #expect(!result.verdict.complete)
      #expect(instances("upd").isEmpty)
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }

    @Test("a soak of seconds survives a kill of the daemon, counts every flow, and tidies up")
    func soak() throws {
      var plan = SoakPlan()
      (plan.seconds, plan.killEvery, plan.lookEvery, plan.flowInterval) = (6, 3, 0.5, 0.1)
      plan.aloneSeconds = 1
      let experiment = try SoakExperiment(plan, models: Self.models, executable: TestHost.medulla)
      let figures = try experiment.run { _, _ in }.verdict.figures
      #expect(figures.begun > 5)
      #expect(figures.completed == figures.begun)
      #expect(figures.broken == 0)
      #expect(figures.miscounted == 0)
      #expect(figures.heldAtEnd == 0)
      let ending = try #require(figures.ending)
      #expect(ending.staged + ending.shadowed == 0)
      #expect(ending.rollouts.unexplained.isEmpty)
      #expect(ending.rollouts.unrecorded.isEmpty)
      #expect(figures.kills >= 1)
      #expect(instances("soak").isEmpty)
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }
  }
}
