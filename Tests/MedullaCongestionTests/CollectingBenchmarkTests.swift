import DatapathCases
import MedullaKernel
import Testing

@testable import MedullaCongestion
@testable import MedullaDatapath

@Suite(
  "cost of collecting (kernel)", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct CollectingBenchmarkTests {
  @Test("a report counts what went up and what was dropped, and instructions where valgrind is")
  func report() throws {
    let report = try CollectingBenchmark(KernelTestHost.policy(seed: 1).snapshot).run()
    let sent = UInt64(CollectingBenchmark.readings * CollectingBenchmark.batches * CollectingBenchmark.batch)
    #expect(report.samples >= sent)
    #expect(report.dropped >= UInt64(CollectingBenchmark.readings * CollectingBenchmark.repeats))
    #expect(report.sampleBytes == 384)
    #expect(report.listened > 0 && report.full > 0)
    if InstructionCounter() != nil {
      // At least a load and a store for each of 30 features, twice.
      #expect(try #require(report.sampleInstructions) > 60)
      #expect(try #require(report.ackInstructions) > 20)
      #expect(report.note == nil)
    } else {
      #expect(report.sampleInstructions == nil && report.note != nil)
    }
  }

  @Test("a network of another size is refused")
  func otherSize() throws {
    let small = try KernelTestHost.network(seed: 1, inputs: 4, outputs: 2).snapshot
    let error = #expect(throws: DatapathError.self) { try CollectingBenchmark(small).run() }
    #expect(error?.code == .wrongShape)
  }

  @Test("the median of an even number of readings lies between the middle two")
  func median() {
    #expect(LiveCollecting.median([3, 1, 2]) == 2)
    #expect(LiveCollecting.median([4, 1, 2, 3]) == 2.5)
    #expect(LiveCollecting.median([]) == 0)
  }
}
