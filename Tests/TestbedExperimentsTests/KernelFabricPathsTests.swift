import Foundation
import TestbedCases
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

extension RealLinks {
  /// The study `paths` as short as it can be: that flows are placed and complete, not how fast.
  @Suite(
    "Path selection between namespaces", .serialized,
    .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
  struct KernelFabricPathsTests {
    private func instances() -> [String] {
      let all = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/fs/bpf/medulla")) ?? []
      return all.filter { $0.hasPrefix("pth") && $0.hasSuffix("-\(getpid())") }
    }

    @Test("flows of two seconds take both spines and complete, a silent path is left, and nothing stays")
    func short() throws {
      let sizes = FileManager.default.temporaryDirectory.appendingPathComponent(
        "medulla-path-sizes-\(getpid()).json")
      defer { try? FileManager.default.removeItem(at: sizes) }
      let text = #"{"name": "two decades", "cdf": [[0, 0], [10000, 0.3], [100000, 0.8], [400000, 1]]}"#
      try Data(text.utf8).write(to: sizes)
      let study = FabricPaths.study
      let plan = try study.replacing(
        [
          "conditions=uneven,silence", "schemes=kernel", "seconds=2", "training_seconds=2", "repeats=1",
          "training_starts=1", "epochs=3", "load=0.3", "sizes=\(sizes.path)",
        ], in: study.plan)
      let result = try study.perform(plan, context: StudyContext(models: "", executable: TestHost.lab))
      #expect(result.runs.count == 2 && !result.verdict.complete)
      for run in result.runs {
        #expect((run[FabricPaths.completed] ?? 0) > 10, "\(run.line([]))")
        #expect(run[FabricPaths.unfinished] == 0, "\(run.line([]))")
      }
      let shares = result.runs.compactMap { $0[FabricPaths.firstSpine] }
      #expect(shares.count == 1 && shares.allSatisfy { $0 > 0 && $0 < 1 }, "\(shares)")
      #expect(result.runs.compactMap { $0[FabricPaths.leaving] }.count == 1)
      #expect(instances().isEmpty)
    }
  }
}
