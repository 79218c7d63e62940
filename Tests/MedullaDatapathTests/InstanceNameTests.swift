import Testing

@testable import MedullaDatapath

@Suite("instance names")
struct InstanceNameTests {
  @Test("letters, digits, - and _ make a name; TCP sees - as _")
  func accepted() throws {
    #expect(try InstanceName("medulla").congestion == "medulla")
    #expect(try InstanceName("medulla-a").congestion == "medulla_a")
    #expect(try InstanceName("a23456789012345").text.count == 15)
  }

  @Test(
    "anything that could leave the directory or that TCP refuses is no name",
    arguments: ["", "a234567890123456", "../etc", "a/b", "a.b", "1a", "-a", "a b", "é"])
  func refused(text: String) {
    #expect(throws: DatapathError.self) { try InstanceName(text) }
  }
}

@Suite("congestion configuration")
struct CongestionConfigurationTests {
  @Test("the defaults are valid")
  func defaults() throws { try CongestionConfiguration().validate() }

  @Test("a lowest rate above the highest, an endless interval and a limit of no action are refused")
  func refused() {
    var rates = CongestionConfiguration()
    rates.controller.rate_min = rates.controller.rate_max + 1
    #expect(throws: DatapathError.self) { try rates.validate() }
    var interval = CongestionConfiguration()
    interval.controller.interval_fraction_q8 = 1 << 20
    #expect(throws: DatapathError.self) { try interval.validate() }
    var action = CongestionConfiguration()
    action.controller.action_limit_q16 = 0
    #expect(throws: DatapathError.self) { try action.validate() }
  }

  @Test("a drain limit becomes nanoseconds, and none is 0")
  func drainLimit() {
    #expect(CongestionConfiguration().drainLimitNanoseconds == 0)
    #expect(CongestionConfiguration(drainLimit: .milliseconds(1_500)).drainLimitNanoseconds == 1_500_000_000)
  }
}
