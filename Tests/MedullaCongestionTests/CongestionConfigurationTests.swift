import MedullaDatapath
import Testing

@testable import MedullaCongestion

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

  @Test("TCP sees - in the name of an instance as _")
  func name() throws {
    #expect(try InstanceName("medulla").congestion == "medulla")
    #expect(try InstanceName("medulla-a").congestion == "medulla_a")
  }
}
