import DatapathCases
import Testing

@testable import MedullaCompile
@testable import MedullaCongestion
@testable import MedullaDatapath

@Suite(
  "time of a promotion (kernel)", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct PromotionTimeTests {
  @Test(
    "between the call and the swap lie a few reads of the kernel, whose number does not grow with promotions")
  func swap() throws {
    let name = KernelTestHost.name("ta")
    try Instance(name).attach(CongestionControl(), KernelTestHost.policy(seed: 1).snapshot)
    defer { try? Instance(name).detach() }
    let candidates = try (2..<8).map { try KernelTestHost.policy(seed: UInt64($0)).snapshot }
    var milliseconds: [Double] = []
    for candidate in candidates {
      try Instance(name).stage(candidate)
      let elapsed = try ContinuousClock().measure { try Instance(name).promote() }
      milliseconds.append(elapsed / .milliseconds(1))
    }
    let active = try Instance(name).status().slots.first { $0.state == .active }
    #expect(active?.name == "policy-7")
    // A bound on gross error only: times are for benchmarks.
    #expect(milliseconds.sorted()[3] < 50, "\(milliseconds)")
    print("promotion, call to return: \(milliseconds.map { ($0 * 1000).rounded() / 1000 }) ms")
  }
}
