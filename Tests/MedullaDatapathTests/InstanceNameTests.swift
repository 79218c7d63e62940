import Testing

@testable import MedullaDatapath

@Suite("instance names")
struct InstanceNameTests {
  @Test("letters, digits, - and _ make a name")
  func accepted() throws {
    #expect(try InstanceName("medulla-a").text == "medulla-a")
    #expect(try InstanceName("a23456789012345").text.count == 15)
  }

  @Test(
    "anything that could leave the directory or that TCP refuses is no name",
    arguments: ["", "a234567890123456", "../etc", "a/b", "a.b", "1a", "-a", "a b", "é"])
  func refused(text: String) {
    #expect(throws: DatapathError.self) { try InstanceName(text) }
  }
}

@Suite("settings of instances")
struct InstanceSettingsTests {
  @Test("a drain limit becomes nanoseconds, and none is 0")
  func drainLimit() {
    #expect(InstanceSettings().drainLimitNanoseconds == 0)
    #expect(InstanceSettings(drainLimit: .milliseconds(1_500)).drainLimitNanoseconds == 1_500_000_000)
  }
}
