import CMedullaABI
import DatapathCases
import Foundation
import MedullaDatapath
import Testing

@testable import MedullaScheduling

@Suite("settings of flow scheduling")
struct SchedulingSettingsTests {
  @Test("bands, class and code points become the kernel's words")
  func words() throws {
    var settings = SchedulingSettings()
    try settings.setBands("10KiB,1MiB")
    try settings.setPriority("1:a")
    try settings.setMarks("46,26,0")
    settings.demotes = false
    try settings.check()
    let words = settings.words(outputFractionBits: 16)
    #expect(words.bands == 3 && words.first_priority == 0x1000a && words.demotes == 0 && words.moment == 1)
    #expect(words.limits.0 == 10_240 && words.limits.1 == 1 << 20 && words.limits.2 == UInt64(Int64.max))
    // 1 + 2^20 is just above a power of two.
    #expect(words.limits_log2.1 == 20 << 16 && words.limits_log2.0 == flow_input_log2(10_240, 16))
    #expect(words.marks.0 == 46 && words.marks.2 == 0 && words.marks.3 == UInt8(SCHEDULING_NO_MARK))
  }

  @Test("quantiles become shares, with limits until there are learned ones, and are pinned")
  func quantiles() throws {
    var settings = SchedulingSettings()
    try settings.setBands("50%,80%,99.5%")
    #expect(
      settings.shares == [500_000, 800_000, 995_000] && settings.limits == [10_000, 100_000, 1_000_000])
    let words = settings.words(outputFractionBits: 16)
    #expect(words.learns == 1 && words.shares.0 == 500_000 && words.shares.2 == 995_000 && words.bands == 4)
    let back = try JSONDecoder().decode(SchedulingSettings.self, from: JSONEncoder().encode(settings))
    #expect(back == settings)
    try settings.setBands("1MiB")
    #expect(settings.shares.isEmpty && settings.words(outputFractionBits: 16).learns == 0)
  }

  @Test(
    "limits that are none, too many or do not rise are refused",
    arguments: [
      "", "10KiB,", "fast", "1MiB,10KiB", "1KiB,1KiB", "0", "1,2,3,4,5,6,7,8", "50%,40%", "0%", "100%",
      "50%,1MiB",
      "fast%", "1%,2%,3%,4%,5%,6%,7%,8%",
    ])
  func refusedBands(text: String) {
    var settings = SchedulingSettings()
    let error = #expect(throws: DatapathError.self) { try settings.setBands(text) }
    #expect(error?.code == .badConfiguration)
  }

  @Test(
    "other classes and code points are refused", arguments: ["1", "0:1", "1:0", "x:1", "1:fffd", "1:1:1"])
  func refusedPriority(text: String) {
    var settings = SchedulingSettings()
    #expect(throws: DatapathError.self) { try settings.setPriority(text) }
  }

  @Test("a code point for each band, or none")
  func marks() throws {
    var settings = SchedulingSettings()
    #expect(throws: DatapathError.self) { try settings.setMarks("64") }
    #expect(throws: DatapathError.self) { try settings.setMarks("46,") }
    try settings.setMarks("46,26")
    let error = #expect(throws: DatapathError.self) { try settings.check() }
    #expect(error?.message.contains("2 code points for 4 bands") == true)
  }

  @Test("what is pinned brings the same scheduling back, and so do the daemon's keys")
  func record() throws {
    let values: [String: FunctionValue] = [
      "hook": .text("tc:eth0:both"), "bands": .text("5KiB,50KiB"), "priority": .text("1:1"),
      "dscp": .text("46,26,0"), "packets": .text("every"), "demotion": .number(0),
    ]
    let scheduling = try FlowScheduling(values: values)
    var settings = SchedulingSettings()
    try settings.setBands("5KiB,50KiB")
    try settings.setPriority("1:1")
    try settings.setMarks("46,26,0")
    (settings.moment, settings.demotes) = (.everyPacket, false)
    #expect(scheduling.settings == settings)
    let back = try FlowScheduling(record: scheduling.record)
    #expect(back.settings == settings && back.hook == scheduling.hook)
    #expect(throws: DatapathError.self) { try FlowScheduling(record: Array("{}".utf8)) }
    #expect(throws: DatapathError.self) { try FlowScheduling(values: [:]) }
    #expect(throws: DatapathError.self) { try FlowScheduling.moment("end") }
  }

  @Test("a flow's reward is 1 for a right prediction, and less by powers of two")
  func reward() {
    func sample(_ said: Double, _ size: Double) -> FunctionSample {
      FunctionSample(
        id: 1, nanoseconds: 5, flow: 7, version: 2, features: [0], outputs: [Int64(said * 65_536)],
        outcomes: [Int64(size * 65_536), 0, 0, 0, 0])
    }
    var measure = SizeReward()
    let rewards = measure.rewards(of: [sample(10, 12.5), sample(20, 20), sample(21, 20)])
    #expect(rewards.map(\.reward) == [1 / 3.5, 1, 0.5] && rewards[0].unit == 7 && rewards[0].version == 2)
  }

  @Test("why a flow is in its band is told by the predicted size, and by what it had in the end")
  func answer() {
    let words: [Int64] = [14 << 16, 16_383, 12, 900, 2]
    #expect(
      FlowScheduling.answer(outputs: [10], outcomes: words, fractionBits: 16)
        == "band 2 by a predicted size of 1023 bytes; it had 16383")
    #expect(FlowScheduling.answer(outputs: [10], outcomes: [], fractionBits: 16) == nil)
  }

  @Test(
    "flows are scheduled where they leave, not where they come in", arguments: ["tc:lo:ingress", "xdp:lo"])
  func places(hook: String) throws {
    let scheduling = try FlowScheduling(values: ["hook": .text(hook)])
    let error = #expect(throws: DatapathError.self) {
      try scheduling.checkPrograms(of: KernelTestHost.network(seed: 1, inputs: 5, outputs: 1).snapshot)
    }
    #expect(error?.code == .badFunction)
  }
}
