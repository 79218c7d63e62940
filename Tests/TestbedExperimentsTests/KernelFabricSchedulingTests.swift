import Foundation
import TestbedCases
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

extension RealLinks {
  /// The study `scheduling` as short as it can be: that flows are told, marked and complete, not how fast.
  @Suite(
    "Flow scheduling between namespaces", .serialized,
    .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
  struct KernelFabricSchedulingTests {
    private func instances() -> [String] {
      let all = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/fs/bpf/medulla")) ?? []
      return all.filter { $0.hasPrefix("sch") && $0.hasSuffix("-\(getpid())") }
    }

    @Test("every flow of a few seconds completes, the kernel tells their sizes, and nothing stays")
    func short() throws {
      let sizes = FileManager.default.temporaryDirectory.appendingPathComponent(
        "medulla-sizes-\(getpid()).json")
      defer { try? FileManager.default.removeItem(at: sizes) }
      let text = #"{"name": "two decades", "cdf": [[0, 0], [10000, 0.3], [100000, 0.8], [400000, 1]]}"#
      try Data(text.utf8).write(to: sizes)
      let study = FabricScheduling.study
      let plan = try study.replacing(
        [
          "events=steady", "schemes=kernel,user-space", "seconds=2", "training_seconds=2", "repeats=1",
          "training_starts=1", "epochs=3", "load=0.3", "sizes=\(sizes.path)",
        ], in: study.plan)
      let result = try study.perform(plan, context: StudyContext(models: "", executable: TestHost.lab))
      #expect(result.runs.count == 2 && !result.verdict.complete)
      for run in result.runs {
        #expect((run[FabricScheduling.completed] ?? 0) > 10, "\(run.line([]))")
        #expect(run[FabricScheduling.unfinished] == 0, "\(run.line([]))")
      }
      let shares = result.runs.compactMap { $0[FabricScheduling.rightBand] }
      #expect(shares.count == 1 && shares.allSatisfy { $0 > 0 && $0 <= 1 }, "\(shares)")
      #expect(result.runs.compactMap { $0[FabricScheduling.answer] }.allSatisfy { $0 > 0 })
      #expect(instances().isEmpty)
    }
  }
}
