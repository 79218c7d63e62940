import Foundation
import Testing

@testable import TestbedLink

@Suite("The emulator's ceiling")
struct LinkCeilingTests {
  private func refusal(_ path: PathConfiguration, ignoresCeiling: Bool = false) -> TestbedError? {
    var link = LinkConfiguration(forward: .init(), backward: path)
    link.ignoresCeiling = ignoresCeiling
    do {
      try link.validate()
      return nil
    } catch {
      return error as? TestbedError
    }
  }

  @Test("it is above 3 Gbit/s for links whose packets travel together, above 1 Gbit/s for single packets")
  func rates() {
    #expect(refusal(.init(bitsPerSecond: 3e9)) == nil)
    #expect(refusal(.init(bitsPerSecond: 1e9, lossProbability: 0.01)) == nil)
  }

  @Test("a link beyond it is refused with the ceiling and a way out, or taken on when asked")
  func refused() throws {
    let fast = PathConfiguration(bitsPerSecond: 10e9)
    let error = try #require(refusal(fast))
    #expect(error.message.contains("backward path's 10000 Mbit/s are beyond the emulator's ceiling of 3593"))
    #expect(error.remedy.contains("--beyond-ceiling"))
    #expect(refusal(.init(bitsPerSecond: 2e9, lossProbability: 0.01))?.message.contains("1087") == true)
    #expect(refusal(fast, ignoresCeiling: true) == nil)
    let trace = try DeliveryTrace(name: "fast", opportunities: [UInt32](repeating: 1, count: 200))
    #expect(refusal(.init(trace: trace))?.message.contains("2400 Mbit/s") == true)
  }

  @Test("who asks one direction learns that the emulator fell behind in the other")
  func eitherDirection() {
    var late = PathBench(PathConfiguration(bitsPerSecond: 1e9))
    var good = PathBench(PathConfiguration(bitsPerSecond: 1e9))
    for window in 0..<2 {
      late.path.noteFrame(waitedAtMost: window == 0 ? 0 : 2_000_000)
      late.path.beginWindow(at: UInt64(window))
      good.path.beginWindow(at: UInt64(window))
    }
    let report = LinkReport(
      ending: "stopped", startNanoseconds: 0, endNanoseconds: 1, realtime: true, processorSeconds: 0,
      failedWrites: 0, forward: PathReport(good.path), backward: PathReport(late.path))
    #expect(report.fellBehind)
    #expect(report.forward.windows.map(\.fellBehind) == [false, true])
    #expect(report.backward.windows.map(\.fellBehind) == [false, true])
    late.finish()
    good.finish()
  }

  @Test("it rises with the unit and with the packet")
  func model() {
    let ceilings = [1, 2, 4, 8].map { LinkCeiling.bitsPerSecond(segmentsPerUnit: $0, mtu: 1500) }
    #expect(ceilings == ceilings.sorted())
    let jumbo = LinkCeiling.bitsPerSecond(segmentsPerUnit: 1, mtu: 9000)
    #expect(jumbo > ceilings[0])
  }

  @Test("a window in which packets waited for the emulator is one in which it fell behind")
  func lateFrames() {
    var bench = PathBench(PathConfiguration(bitsPerSecond: 1e9))
    for _ in 0..<990 { bench.path.noteFrame(waitedAtMost: 100_000) }
    for _ in 0..<10 { bench.path.noteFrame(waitedAtMost: 2_000_000) }
    #expect(!bench.path.recorder.current.fellBehind)
    bench.path.noteFrame(waitedAtMost: 2_000_000)
    #expect(bench.path.recorder.current.fellBehind)
    bench.finish()
    // Where no rate is promised, nothing is late.
    var free = PathBench(PathConfiguration())
    for _ in 0..<10 { free.path.noteFrame(waitedAtMost: 2_000_000) }
    #expect(!free.path.recorder.current.fellBehind)
    free.finish()
  }
}
