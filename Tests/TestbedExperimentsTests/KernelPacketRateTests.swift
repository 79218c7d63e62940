import Foundation
import MedullaCompile
import MedullaDatapath
import MedullaKernel
import TestbedCases
import TestbedPackets
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

/// Whether classifiers can be attached here, and frames sent to them.
private let canMeasurePackets =
  ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1"
  || (TestHost.canEmulateLinks && Doctor().examine().checks.allSatisfy { $0.ok || !$0.required })

extension RealLinks {
  /// The study as short as it can be: that every packet is seen and nothing stays, not how long it takes.
  @Suite(
    "Packet rates in this kernel", .serialized,
    .enabled(if: canMeasurePackets, "needs root, a kernel with eBPF, clang and iproute2"))
  struct KernelPacketRateTests {
    private func leftovers() -> [String] {
      TestHost.namespaces(of: getpid()).sorted()
        + BPFFileSystem.contents(of: BPFFileSystem.root).filter { $0.hasPrefix("r\(getpid())") }
    }

    @Test("at every place each case has its time or its rate, every packet is inferred, nothing stays")
    func short() throws {
      let study = PacketRate.study
      let plan = try study.replacing(
        [
          "places=xdp,one-core,two-cores,own-core", "readings=1", "packets=1000", "cold_runs=1",
          "slices=1", "slice_ms=20", "repeats=1",
        ], in: study.plan)
      let runs = try study.perform(plan, context: StudyContext(models: "nowhere")).runs
      #expect(runs.count == study.cells(plan).count)
      let isWide = ProcessInfo.processInfo.activeProcessorCount >= RateArrangement.processors
      for run in runs {
        let place = PacketRate.Place(rawValue: run.cell.text("place"))
        switch place {
        case .xdp:
          #expect((run[PacketRate.warm] ?? 0) > 0 && (run[PacketRate.cold] ?? 0) > 0, "\(run.cell.title)")
        case .oneCore, .twoCores, .ownCore:
          guard isWide || place == .oneCore else { continue }
          #expect((run[PacketRate.received] ?? 0) > 0, "\(run.cell.title)")
          #expect((run[PacketRate.receiver] != nil) == (place == .ownCore))
          if run.cell.text("case") == "inference" { #expect(run[PacketRate.inferences] == 1) }
        default: Issue.record("\(run.cell.title)")
        }
      }
      #expect(leftovers().isEmpty)
    }

    @Test("the native program has the interpreter's answer, and a time for each case")
    func native() throws {
      let effort = RateEffort(readings: 2, repeats: 1_000, coldRuns: 2, sliceSeconds: 0, slices: 0)
      let times = try NativeDecision(RateNetwork.file()).times(effort, emptying: 1 << 20)
      #expect(Set(times.keys) == Set(RateCase.allCases))
      #expect(times.values.allSatisfy { $0.warm > 0 && $0.cold > 0 })
    }

    @Test("a bench that cannot be made leaves nothing either")
    func failed() throws {
      let snapshot = try DatapathSnapshot(compiling: RateNetwork.file(), name: "rate")
      // Its second of the same names finds them taken.
      let first = try RateBench(snapshot)
      defer { first.remove() }
      let before = leftovers()
      #expect(throws: (any Error).self) { try RateBench(snapshot) }
      #expect(leftovers() == before)
      first.remove()
      #expect(leftovers().isEmpty)
    }
  }
}
