import Foundation
import MedullaBase
import Testing

@testable import MedullaLabels

@Suite("Rules of a label service")
struct RuleAdoptionTests {
  /// What a rule `rate > N` says; `abstains` is of which rates it says nothing.
  final class Threshold: LabelingAgent {
    struct NoRule: Error {}
    let name = "rules"
    private let bound: Double
    init(_ text: String) throws {
      guard text.hasPrefix("rate > "), let bound = Double(text.dropFirst(7)) else { throw NoRule() }
      self.bound = bound
    }
    func label(_ requests: [LabelRequest]) throws -> [Label] {
      requests.map {
        let rate = $0.features[0]
        return Label(sample: $0.sample, agent: name, label: rate < 0 ? nil : rate > bound ? 1 : 0)
      }
    }
  }

  static let rules = RuleSettings(
    agreement: 0.9, coverage: 0.5, known: 100, audit: 0.2, window: 40, spacing: 50)

  static func ask(_ agent: ServiceAgent, _ samples: Range<UInt64>, rate: (UInt64) -> Double) throws -> [Label]
  {
    try agent.label(samples.map { ServiceStub.request($0, rate: rate($0)) })
  }

  static func agent(_ stub: ServiceStub) throws -> ServiceAgent {
    try ServiceStub.agent(stub) {
      $0.rules = rules
    } checker: {
      try Threshold($0)
    }
  }

  /// Rates on both sides of ten, none of them twice.
  static func rate(_ sample: UInt64) -> Double { Double(sample % 20) + Double(sample) * 1e-6 }

  @Test("rules that hold on known labels replace calls, but for audits and flows without a label of theirs")
  func adopted() throws {
    let stub = ServiceStub.honest(rules: "rate > 10")
    let agent = try Self.agent(stub)
    _ = try Self.ask(agent, 0..<99, rate: Self.rate)
    #expect(agent.report.rules == .none)
    _ = try Self.ask(agent, 99..<120, rate: Self.rate)
    guard case .adopted(let replay) = agent.report.rules else {
      Issue.record("\(agent.report.rules)")
      return
    }
    #expect(replay.flows == 50 && replay.alike == 50)
    let before = agent.report
    let labels = try Self.ask(agent, 1_000..<1_200) { $0 % 10 == 0 ? -1 - Double($0) : Self.rate($0) }
    #expect(labels.count == 200 && Set(labels.map(\.sample)).count == 200)
    #expect(labels.allSatisfy { $0.agent == "service" })
    let after = agent.report
    #expect(after.ruled - before.ruled > 110 && after.flows - before.flows < 90)
    #expect(after.audited > 10 && after.flows - before.flows == after.audited + 20)
  }

  @Test("rules that do not hold on known labels are refused, and asked for again only after new labels")
  func refused() throws {
    let stub = ServiceStub.honest(rules: "rate > 13")
    let agent = try Self.agent(stub)
    _ = try Self.ask(agent, 0..<120, rate: Self.rate)
    guard case .refused(let reason) = agent.report.rules else {
      Issue.record("\(agent.report.rules)")
      return
    }
    #expect(reason.contains("alike"))
    let calls = agent.report.calls
    _ = try Self.ask(agent, 200..<216, rate: Self.rate)
    #expect(agent.report.calls == calls + 1, "no second question for rules yet")
    _ = try Self.ask(agent, 216..<264, rate: Self.rate)
    #expect(agent.report.calls == calls + 1 + 3 + 1)
    #expect(agent.report.ruled == 0)
  }

  @Test("rules as a text that is none are refused with the checker's words; labels go on")
  func unreadable() throws {
    let agent = try Self.agent(.honest(rules: "drop table"))
    #expect(try Self.ask(agent, 0..<120, rate: Self.rate).count == 120)
    #expect(agent.report.rules.description.contains("NoRule"))
  }

  @Test("when audits no longer agree, the rules are retired and the service is asked again")
  func retired() throws {
    final class Drift: @unchecked Sendable { var isThere = false }
    let drift = Drift()
    let stub = ServiceStub.honest(rules: "rate > 10") { _ in drift.isThere }
    let agent = try Self.agent(stub)
    _ = try Self.ask(agent, 0..<120, rate: Self.rate)
    _ = try Self.ask(agent, 1_000..<1_100, rate: Self.rate)
    guard case .adopted = agent.report.rules else {
      Issue.record("\(agent.report.rules)")
      return
    }
    drift.isThere = true
    for round in 0..<5 as Range<UInt64> {
      let start = 2_000 + round * 100
      _ = try Self.ask(agent, start..<start + 100, rate: Self.rate)
      if case .retired = agent.report.rules { break }
    }
    #expect(agent.report.rules.description.contains("audited"))
    let flows = agent.report.flows
    _ = try Self.ask(agent, 9_000..<9_020, rate: Self.rate)
    #expect(agent.report.flows == flows + 20)
  }

  @Test("an interval by Wilson has the ends that the formula gives")
  func interval() {
    let interval = RuleReplay.interval(95, of: 100)
    #expect(abs(interval.lowerBound - 0.8882) < 1e-3 && abs(interval.upperBound - 0.9785) < 1e-3)
    #expect(RuleReplay.interval(0, of: 0) == 0...1)
  }
}
