import Foundation
import Testing

@testable import TestbedBaselines
@testable import TestbedExperiments
@testable import TestbedLink

@Suite("Answer times of the simulated fabrics")
struct AnswerTimesTests {
  /// A result of `fig15` whose ways take so many nanoseconds in each round.
  private func file(_ times: [LatencyCell: [Double]], experiment: String = "fig15") throws -> String {
    let runs = times.flatMap { cell, values in
      values.enumerated().map { round, value in
        #"{"cell":{"way":"\#(cell.title)"},"round":\#(round),"values":{"p50_ns":\#(value),"mean_ns":1}}"#
      }
    }
    let path = NSTemporaryDirectory() + "medulla-\(UUID().uuidString).json"
    let text = #"{"experiment":"\#(experiment)","runs":[\#(runs.joined(separator: ","))]}"#
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  private let measured: [LatencyCell: [Double]] = [
    LatencyCell(.kernel): [310, 300, 9_000], LatencyCell(.ringBuffer): [5_000, 5_100, 4_900],
    LatencyCell(.pipe): [7_000, 7_000, 7_000], LatencyCell(.netlink): [9_000, 9_100, 9_200],
    LatencyCell(.ringBuffer, sharesProcessor: false): [1, 1, 1],
  ]

  @Test("they are the medians over rounds of fig15's medians, and a scheme's variants have its own")
  func read() throws {
    let path = try file(measured)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let times = try AnswerTimes(fig15: path)
    #expect(times.nanoseconds == ["kernel": 310, "ring": 5_000, "char": 7_000, "netlink": 9_100])
    #expect(times.text.contains("kernel 310 ns") && times.text.contains(path))
    #expect(SchedulingScheme.char.leaving(.last).timed(by: times).latencyNanoseconds == 7_000)
    #expect(SchedulingScheme.kernel.frozen.timed(by: times).latencyNanoseconds == 310)
    #expect(BalancingScheme.netlink.timed(by: times).latencyNanoseconds == 9_100)
    // No way of fig15, and what asks nobody.
    #expect(SchedulingScheme.engine.timed(by: times) == .engine)
    #expect(BalancingScheme.ecmp.timed(by: times) == .ecmp)
  }

  @Test("without a file they are the stated ones, which say whose they are")
  func stated() throws {
    let times = try AnswerTimes(fig15: "")
    #expect(times == .stated && times.text.contains("stated"))
    for scheme in SchedulingScheme.all { #expect(scheme.timed(by: times) == scheme) }
  }

  @Test("a file of another study, with a way missing or none at all is refused")
  func refused() throws {
    var few = measured
    few[LatencyCell(.netlink)] = nil
    for path in [try file(measured, experiment: "fig14"), try file(few)] {
      defer { try? FileManager.default.removeItem(atPath: path) }
      let error = #expect(throws: TestbedError.self) { try AnswerTimes(fig15: path) }
      #expect(error?.code == .unreadableReport)
    }
    let error = #expect(throws: TestbedError.self) { try AnswerTimes(fig15: "/nowhere/fig15.json") }
    #expect(error?.code == .fileFailed)
  }
}
