import DatapathCases
import Testing

@testable import MedullaCompile
@testable import MedullaCongestion
@testable import MedullaDatapath

@Suite(
  "time of a promotion (kernel)", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct PromotionTimeTests {
  @Test("a promotion asks the kernel twice more for each slot in use, and no more once all slots are")
  func swap() throws {
    let name = KernelTestHost.name("ta")
    try Instance(name).attach(CongestionControl(), KernelTestHost.policy(seed: 1).snapshot)
    defer { try? Instance(name).detach() }
    let counter = try KernelCallCounter()
    #expect(try counter.count {} == 0)
    var calls: [UInt64] = []
    for seed in 2..<12 {
      let candidate = try KernelTestHost.policy(seed: UInt64(seed)).snapshot
      // Once all slots are in use, one is free a second after it was active.
      let isStaged = try eventually {
        do {
          try Instance(name).stage(candidate)
          return true
        } catch let error as DatapathError where error.code == .noFreeSlot {
          return false
        }
      }
      try #require(isStaged)
      calls.append(try counter.count { try Instance(name).promote() })
    }
    #expect(try Instance(name).status().slots.first { $0.state == .active }?.name == "policy-11")
    let full = SlotTable.capacity - 1
    #expect(zip(calls, calls.dropFirst()).prefix(full - 1).allSatisfy { $1 <= $0 + 2 }, "\(calls)")
    #expect(calls.dropFirst(full - 1).allSatisfy { $0 <= calls[full - 1] }, "\(calls)")
  }
}
