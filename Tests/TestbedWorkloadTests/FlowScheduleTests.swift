import MedullaBase
import Testing

@testable import TestbedLink
@testable import TestbedMeasures
@testable import TestbedWorkload

private let ms: UInt64 = 1_000_000

@Suite("On-off flows as decisions")
struct OnOffFlowTests {
  private func flow(on: Double = 0.1, off: Double = 0.05) -> OnOffFlow {
    OnOffFlow(3, on: .fixed(on), off: .fixed(off), seed: 1, start: 10 * ms)
  }

  @Test("bursts and pauses take turns, each as long as it was told")
  func turns() {
    var flow = flow()
    let table: [(at: UInt64, news: [OnOffFlow.News], sends: Bool)] = [
      (9, [], false), (10, [.begun], true), (109, [], true),
      (110, [.completed(burst(10, bytes: 0, sending: 0.1, 0.1))], false), (159, [], false),
      (160, [.begun], true), (260, [.completed(burst(160, bytes: 0, sending: 0.1, 0.1))], false),
    ]
    for step in table {
      #expect(flow.advance(to: step.at * ms, mayBegin: true) == step.news, "at \(step.at) ms")
      #expect(flow.isSending == step.sends, "at \(step.at) ms")
    }
  }

  @Test("a burst is complete when its last byte is read, and not before its time is over")
  func completion() {
    var flow = flow()
    _ = flow.advance(to: 10 * ms, mayBegin: true)
    flow.sent(1_000)
    #expect(flow.read(1_000, at: 50 * ms) == [])
    flow.sent(500)
    #expect(flow.advance(to: 110 * ms, mayBegin: true) == [])
    #expect(flow.openBursts == 1 && !flow.isSending)
    #expect(flow.read(499, at: 120 * ms) == [])
    #expect(
      flow.read(1, at: 130 * ms) == [.completed(burst(10, bytes: 1_500, sending: 0.1, 0.12))])
    #expect(flow.openBursts == 0)
  }

  @Test("bytes belong to the burst that sent them, also when the next one has begun")
  func overlap() {
    var flow = flow()
    for (at, bytes) in [(10, 700), (110, 0), (160, 300), (260, 0)] as [(UInt64, Int)] {
      #expect(
        !flow.advance(to: at * ms, mayBegin: true).contains {
          if case .completed = $0 { true } else { false }
        })
      flow.sent(bytes)
    }
    #expect(flow.openBursts == 2)
    #expect(
      flow.read(1_000, at: 300 * ms) == [
        .completed(burst(10, bytes: 700, sending: 0.1, 0.29)),
        .completed(burst(160, bytes: 300, sending: 0.1, 0.14)),
      ])
  }

  @Test("nothing begins any more when it must not, and what has begun goes to its end")
  func ending() {
    var flow = flow()
    _ = flow.advance(to: 10 * ms, mayBegin: true)
    flow.sent(10)
    #expect(flow.due(mayBegin: false) == 110 * ms)
    #expect(flow.advance(to: 110 * ms, mayBegin: false) == [])
    #expect(flow.due(mayBegin: false) == nil && flow.due(mayBegin: true) == 160 * ms)
    #expect(flow.advance(to: 500 * ms, mayBegin: false) == [])
    #expect(flow.read(10, at: 501 * ms).count == 1)
  }

  @Test("a receiver that never reads makes bursts be skipped, and counted")
  func skipping() {
    var flow = flow(on: 0.001, off: 0.001)
    var begun = 0
    var skipped = 0
    var now = 10 * ms
    for _ in 0..<400 {
      for news in flow.advance(to: now, mayBegin: true) {
        if news == .begun { begun += 1 }
        if news == .skipped { skipped += 1 }
      }
      if flow.isSending { flow.sent(1) }
      now += ms
    }
    #expect(begun == OnOffFlow.limit && flow.openBursts == OnOffFlow.limit && skipped > 100)
  }

  @Test("a late caller makes up for no burst")
  func late() {
    var flow = flow()
    #expect(flow.advance(to: 5_000 * ms, mayBegin: true) == [.begun])
    #expect(flow.due(mayBegin: true) == 5_100 * ms)
  }

  private func burst(_ begun: UInt64, bytes: Int, sending: Double, _ seconds: Double) -> OnOffFlows.Burst {
    OnOffFlows.Burst(
      flow: 3, begunNanoseconds: begun * ms, bytes: bytes, sendingSeconds: sending, seconds: seconds)
  }
}

@Suite("Requests and answers as decisions")
struct RequestCycleTests {
  private var plan: RequestResponse.Plan {
    var plan = RequestResponse.Plan(congestion: "cubic")
    (plan.requestBytes, plan.answerBytes, plan.patience) = (100, 1_000, 2)
    plan.think = .fixed(0.05)
    return plan
  }

  private func cycle() -> RequestCycle { RequestCycle(4, plan, seed: 1, start: 0) }

  @Test("a connection thinks, asks, waits for the last byte, and thinks again")
  func course() {
    var cycle = cycle()
    #expect(cycle.due(mayBegin: true) == 50 * ms)
    #expect(cycle.advance(to: 49 * ms, mayBegin: true) == nil && cycle.requestLeft == 0)
    #expect(cycle.advance(to: 50 * ms, mayBegin: true) == .begun && cycle.requestLeft == 100)
    cycle.requestSent(60)
    #expect(cycle.requestRead(60) == nil && cycle.answerLeft == 0)
    cycle.requestSent(40)
    #expect(cycle.requestRead(40) == nil && cycle.requestLeft == 0 && cycle.answerLeft == 1_000)
    cycle.answerSent(1_000)
    #expect(cycle.answerRead(999, at: 90 * ms) == nil && cycle.isAsking)
    let answer = RequestResponse.Answer(connection: 4, begunNanoseconds: 50 * ms, seconds: 0.05)
    #expect(cycle.answerRead(1, at: 100 * ms) == .completed(answer))
    #expect(!cycle.isAsking && cycle.due(mayBegin: true) == 150 * ms)
    #expect(cycle.advance(to: 150 * ms, mayBegin: true) == .begun)
  }

  @Test("a request without an answer is given up after its patience")
  func patience() {
    var cycle = cycle()
    _ = cycle.advance(to: 50 * ms, mayBegin: true)
    #expect(cycle.advance(to: 2_050 * ms, mayBegin: true) == nil)
    #expect(cycle.advance(to: 2_051 * ms, mayBegin: true) == .broken("not answered after 2 s", open: 1))
  }

  @Test("what was not asked for, or is too long, breaks the connection")
  func excess() {
    var idle = cycle()
    #expect(idle.answerRead(1, at: ms) == .broken("an answer was too long", open: 0))
    idle = cycle()
    #expect(idle.requestRead(1) == .broken("a request was too long", open: 0))
    var asking = cycle()
    _ = asking.advance(to: 50 * ms, mayBegin: true)
    #expect(asking.requestRead(101) == .broken("a request was too long", open: 1))
    #expect(asking.answerRead(1_001, at: 60 * ms) == .broken("an answer was too long", open: 1))
    #expect(asking.requestRead(0) == nil)
  }

  @Test("no request begins when it must not, and the one under way goes on")
  func ending() {
    var cycle = cycle()
    #expect(cycle.advance(to: 60 * ms, mayBegin: false) == nil && cycle.due(mayBegin: false) == nil)
    #expect(cycle.advance(to: 60 * ms, mayBegin: true) == .begun)
    _ = cycle.requestRead(100)
    #expect(cycle.advance(to: 70 * ms, mayBegin: false) == nil && cycle.isAsking)
    #expect(cycle.answerRead(1_000, at: 80 * ms) != nil && !cycle.isAsking)
  }
}

@Suite("Parts of workloads")
struct DrawnTimeTests {
  @Test("fixed times draw nothing, exponential ones have their mean and repeat by their seed")
  func draws() {
    var random = SeededGenerator(seed: 7)
    #expect(DrawnSeconds.fixed(0.25).nanoseconds(&random) == 250_000_000)
    var untouched = SeededGenerator(seed: 7)
    #expect(random.next() == untouched.next())
    let times = DrawnSeconds.exponential(mean: 0.2)
    func drawn(_ seed: UInt64) -> [UInt64] {
      var random = SeededGenerator(seed: seed)
      return (0..<20_000).map { _ in times.nanoseconds(&random) }
    }
    let first = drawn(11)
    let mean = Statistics.mean(first.map { Double($0) / 1e9 })
    #expect(abs(mean - 0.2) < 0.01, "seed 11: \(mean)")
    // Of an exponential distribution, 1/e lies above the mean.
    #expect(abs(Double(first.filter { $0 > 200_000_000 }.count) / 20_000 - 0.3679) < 0.02)
    #expect(first == drawn(11) && first != drawn(12))
    for odd in [0, -1, 1e300, Double.infinity, .nan] {
      #expect(DrawnSeconds.fixed(odd).nanoseconds(&random) >= 1)
    }
  }

  @Test("plans out of range are refused")
  func validation() throws {
    var onOff = OnOffFlows.Plan(congestion: "cubic")
    try onOff.validate()
    onOff.off = .fixed(0)
    #expect(throws: TestbedError.self) { try onOff.validate() }
    (onOff.off, onOff.flows) = (.fixed(1), 0)
    #expect(throws: TestbedError.self) { try onOff.validate() }
    let changes: [(inout RequestResponse.Plan) -> Void] = [
      { $0.connections = 0 }, { $0.requestBytes = 0 }, { $0.answerBytes = 1 << 40 },
      { $0.think = .fixed(.nan) }, { $0.patience = -1 },
    ]
    try RequestResponse.Plan(congestion: "cubic").validate()
    for (number, change) in changes.enumerated() {
      var plan = RequestResponse.Plan(congestion: "cubic")
      change(&plan)
      #expect(throws: TestbedError.self, "change \(number)") { try plan.validate() }
    }
  }
}
