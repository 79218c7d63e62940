import DatapathCases
import Testing

@testable import MedullaCompile
@testable import MedullaCongestion
@testable import MedullaDatapath

@Suite(
  "time of a promotion (kernel)", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct PromotionTimeTests {
  @Test("a promotion makes a few calls into the kernel, as many in the tenth as in the second")
  func swap() throws {
    let name = KernelTestHost.name("ta")
    try Instance(name).attach(CongestionControl(), KernelTestHost.policy(seed: 1).snapshot)
    defer { try? Instance(name).detach() }
    let counter = try KernelCallCounter()
    #expect(try counter.count {} == 0)
    var calls: [UInt64] = []
    for seed in 2..<12 {
      try Instance(name).stage(KernelTestHost.policy(seed: UInt64(seed)).snapshot)
      calls.append(try counter.count { try Instance(name).promote() })
    }
    #expect(try Instance(name).status().slots.first { $0.state == .active }?.name == "policy-11")
    // The first has no previous snapshot to give up; every later one does the same work.
    #expect(Set(calls.dropFirst()).count == 1 && calls[1] > 0, "\(calls)")
    #expect(calls[1] <= 64, "\(calls)")
  }
}
