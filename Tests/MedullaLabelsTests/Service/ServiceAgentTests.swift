import Foundation
import MedullaBase
import Testing

@testable import MedullaLabels

@Suite("An outside label service")
struct ServiceAgentTests {
  @Test("flows are asked about in batches, and what was asked before is answered from memory")
  func batches() throws {
    let stub = ServiceStub.honest()
    let agent = try ServiceStub.agent(stub) { $0.batch = 4 }
    let requests = (0..<10).map { ServiceStub.request($0, rate: Double($0) * 2) }
    let labels = try agent.label(requests)
    #expect(labels.map(\.sample) == Array(0..<10) && stub.questions.count == 3)
    #expect(labels.map(\.label) == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    #expect(labels.allSatisfy { $0.agent == "service" && $0.confidence == 0.9 })
    // Another flow of the same content.
    let again = try agent.label([ServiceStub.request(99, rate: 18)])
    #expect(again == [Label(sample: 99, agent: "service", label: 1, confidence: 0.9)])
    #expect(stub.questions.count == 3 && agent.report.cached == 1 && agent.report.calls == 3)
  }

  @Test("each call is paid before it is made, tries again too; without money nobody is called")
  func paid() throws {
    let keeper = try Bookkeeper(
      path: nil, classes: 2, budgets: ["service": AgentBudget(calls: 10, cost: 1, period: .seconds(86_400))])
    let stub = ServiceStub { _, call in
      call == 1 ? ServiceStub.text(503, "busy") : ServiceStub.text(200, "{\"version\":1,\"labels\":[]}")
    }
    let agent = try ServiceStub.agent(stub, purse: keeper.purse(of: "service")) {
      $0.pricePerCall = 0.2
      $0.pricePerFlow = 0.05
    }
    _ = try agent.label([ServiceStub.request(1), ServiceStub.request(2, rate: 2)])
    #expect(stub.questions.count == 2 && agent.report.retries == 1)
    #expect(abs((keeper.ledger.purses["service"]?.totalCost ?? 0) - 0.6) < 1e-12)
    _ = try agent.label([ServiceStub.request(3, rate: 3)])
    let pause = #expect(throws: AgentNotReady.self) { try agent.label([ServiceStub.request(4, rate: 4)]) }
    #expect(pause?.reason == "its budget is spent" && stub.questions.count == 3)
    #expect(abs(agent.report.cost - 0.85) < 1e-12)
  }

  @Test("labels carry the price of their flow's share of the call")
  func prices() throws {
    let agent = try ServiceStub.agent(.honest()) {
      $0.pricePerCall = 0.3
      $0.pricePerFlow = 0.01
    }
    let labels = try agent.label((0..<3).map { ServiceStub.request($0, rate: Double($0)) })
    #expect(labels.allSatisfy { abs($0.cost - 0.11) < 1e-12 })
    #expect(try agent.label([ServiceStub.request(7, rate: 1)])[0].cost == 0)
  }

  static let malformed: [String] = [
    "", "null", "[]", "{}", "{\"version\":1}", "{\"version\":2,\"labels\":[]}",
    "{\"version\":1,\"labels\":[{\"id\":\"2\",\"label\":\"benign\"}]}",
    "{\"version\":1,\"labels\":[{\"id\":\"1\",\"label\":\"malware\"}]}",
    "{\"version\":1,\"labels\":[{\"id\":\"1\",\"label\":1}]}", "{\"version\":1,\"labels\":[{\"id\":1}]}",
    "{\"version\":1,\"labels\":[{\"id\":\"1\",\"label\":\"benign\",\"confidence\":1.5}]}",
    "{\"version\":1,\"labels\":[{\"id\":\"1\",\"label\":\"benign\",\"confidence\":\"high\"}]}",
    "{\"version\":1,\"labels\":[{\"id\":\"1\",\"label\":null},{\"id\":\"1\",\"label\":null}]}",
    "<html>502 Bad Gateway</html>", String(repeating: "[", count: 100_000),
  ]

  @Test("an answer that is not the contract's is an error and is not tried again", arguments: malformed)
  func malformedAnswer(text: String) throws {
    let stub = ServiceStub { _, _ in ServiceStub.text(200, text) }
    let agent = try ServiceStub.agent(stub)
    let error = #expect(throws: LabelServiceError.self) { try agent.label([ServiceStub.request(1)]) }
    #expect(error?.code == .malformed && error?.remedy.contains("label-service.md") == true)
    #expect(stub.questions.count == 1)
  }

  @Test("what may pass is tried again up to a limit, what does not is not")
  func retries() throws {
    let down = ServiceStub { _, _ throws(LabelServiceError) in
      throw LabelServiceError(.unreachable, "connection refused")
    }
    let agent = try ServiceStub.agent(down) { $0.attempts = 3 }
    let error = #expect(throws: LabelServiceError.self) { try agent.label([ServiceStub.request(1)]) }
    #expect(error?.code == .unreachable && down.questions.count == 3 && agent.report.retries == 2)
    let closed = ServiceStub { _, _ in ServiceStub.text(401, "who are you?\u{1B}[31m") }
    let refusal = #expect(throws: LabelServiceError.self) {
      try ServiceStub.agent(closed).label([ServiceStub.request(1)])
    }
    #expect(refusal?.code == .refused && refusal?.cause == "who are you? [31m" && closed.questions.count == 1)
  }

  @Test("a service that says when to come again is left alone until then")
  func retryAfter() throws {
    let stub = ServiceStub { _, call in
      switch call {
      case 1: ServiceStub.text(429, "", retryAfter: "1")
      case 2: ServiceStub.text(200, "{\"version\":1,\"labels\":[]}")
      default: ServiceStub.text(503, "", retryAfter: "3600")
      }
    }
    let agent = try ServiceStub.agent(stub)
    let start = MonotonicClock.now
    _ = try agent.label([ServiceStub.request(1)])
    #expect(MonotonicClock.now - start >= .seconds(1))
    // Longer than the deadline: nobody waits for it, and nobody calls meanwhile.
    let pause = #expect(throws: AgentNotReady.self) { try agent.label([ServiceStub.request(2, rate: 2)]) }
    #expect(pause?.wait == .seconds(3_600))
    #expect(throws: AgentNotReady.self) { try agent.label([ServiceStub.request(3, rate: 3)]) }
    #expect(stub.questions.count == 3)
  }

  @Test("Retry-After is read as seconds and as a date")
  func retryAfterText() {
    let now = Duration.seconds(784_111_777)  // Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
    #expect(RetryPlan.retryAfter("120", at: now) == .seconds(120))
    #expect(RetryPlan.retryAfter("Sun, 06 Nov 1994 08:49:47 GMT", at: now) == .seconds(10))
    #expect(RetryPlan.retryAfter("Sun, 06 Nov 1994 08:00:00 GMT", at: now) == .zero)
    #expect(RetryPlan.retryAfter("99999999999999999999", at: now) == nil)
    #expect(RetryPlan.retryAfter("999999999", at: now) == .seconds(86_400))
    for text in ["", "soon", "-1", "1.5"] { #expect(RetryPlan.retryAfter(text, at: now) == nil) }
  }

  @Test("waits double up to the longest, less up to half by chance, and never less than was asked for")
  func waits() {
    var plan = RetryPlan(attempts: 5, first: .seconds(1), longest: .seconds(3))
    #expect(plan.wait(chance: 0, asked: nil) == .seconds(1))
    #expect(plan.wait(chance: 0, asked: nil) == .seconds(2))
    #expect(plan.wait(chance: 0.5, asked: nil) == .milliseconds(2_250))
    #expect(plan.wait(chance: 0.9, asked: .seconds(7)) == .seconds(7))
    #expect(plan.wait(chance: 0, asked: nil) == nil)
  }

  @Test("when a later batch fails, the labels of the earlier ones are not lost")
  func partly() throws {
    let honest = ServiceStub.honest()
    let stub = ServiceStub { body, call throws(LabelServiceError) in
      call == 2 ? ServiceStub.text(400, "no more") : try honest.post(body, within: .seconds(1))
    }
    let agent = try ServiceStub.agent(stub) { $0.batch = 2 }
    let labels = try agent.label((0..<6).map { ServiceStub.request($0, rate: Double($0)) })
    #expect(labels.map(\.sample) == [0, 1])
    let pause = #expect(throws: AgentNotReady.self) { try agent.label([ServiceStub.request(9, rate: 9)]) }
    #expect(pause?.reason.contains("no more") == true)
  }

  @Test("addresses leave this machine only where that is asked for; ids are exact in all 64 bits")
  func question() throws {
    let flow = FlowEndpoints(
      source: [192, 0, 2, 1], destination: [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [1],
      sourcePort: 40_000, destinationPort: 443, transport: 6)
    let request = LabelRequest(
      sample: .max, flow: flow, features: [.infinity], facts: ["bytes": 12, "odd": .nan], prediction: nil)
    let closed = ServiceContract(schema: ServiceStub.schema, sendsEndpoints: false)
    let text = String(decoding: try closed.labelQuestion([request]), as: UTF8.self)
    #expect(!text.contains("192.0.2.1") && text.contains("\"id\":\"18446744073709551615\""))
    #expect(text.contains("\"features\":[null]") && text.contains("\"facts\":{\"bytes\":12}"), "\(text)")
    let open = ServiceContract(schema: ServiceStub.schema, sendsEndpoints: true)
    let told = String(decoding: try open.labelQuestion([request]), as: UTF8.self)
    #expect(told.contains("\"source\":\"192.0.2.1\"") && told.contains("\"destination\":\"2001:db8::1\""))
    #expect(told.contains("\"destination_port\":443"))
    let other = LabelRequest(
      sample: 3, features: [.infinity], facts: ["bytes": 12, "odd": .nan], prediction: nil)
    #expect(try closed.key(request) == closed.key(other), "the id is no content")
    #expect(try open.key(request) != open.key(other))
  }

  @Test("the cache is bounded in number and age, and forgets what was not used longest")
  func cache() {
    var cache = LabelCache(limit: 8, age: .seconds(10))
    let answer = LabelCache.Answer(label: 1, confidence: 1)
    for key in 0..<8 as Range<UInt8> { cache.keep(answer, for: [key], at: .zero) }
    #expect(cache.find([0], at: .seconds(10)) == answer)
    cache.keep(answer, for: [8], at: .seconds(1))
    #expect(cache.count == 8 && cache.find([1], at: .seconds(1)) == nil && cache.find([0], at: .zero) != nil)
    #expect(cache.find([0], at: .seconds(11)) == nil && cache.count == 7)
  }

  @Test(
    "settings that cannot be are refused",
    arguments: [
      ServiceSettings(url: ""), ServiceSettings(url: "ftp://a/"), ServiceSettings(url: "http:///x"),
      ServiceSettings(url: "http://a/", pricePerCall: -1), ServiceSettings(url: "http://a/", batch: 0),
      ServiceSettings(url: "http://a/", deadline: .zero), ServiceSettings(url: "http://a/", attempts: 0),
      ServiceSettings(url: "http://a/", responseLimit: 1),
      ServiceSettings(url: "http://a/", rules: RuleSettings(agreement: 0.3)),
    ])
  func refused(settings: ServiceSettings) {
    let error = #expect(throws: LabelServiceError.self) { try settings.check() }
    #expect(error?.code == .badSetting && error?.remedy.isEmpty == false)
  }
}
