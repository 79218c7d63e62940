import Foundation
import MedullaBase
import Synchronization
import Testing

@testable import MedullaLabels

@Suite("The desk of agents")
struct AgentDeskTests {
  /// An agent that does what a test says.
  final class Scripted: LabelingAgent {
    let name: String
    private let act: ([LabelRequest]) throws -> [Label]
    let isClosed = Atomic(false)
    let isPrepared = Atomic(false)
    init(_ name: String, _ act: @escaping ([LabelRequest]) throws -> [Label]) {
      (self.name, self.act) = (name, act)
    }
    func label(_ requests: [LabelRequest]) throws -> [Label] { try act(requests) }
    func prepare() { isPrepared.store(true, ordering: .sequentiallyConsistent) }
    func close() { isClosed.store(true, ordering: .sequentiallyConsistent) }

    static func good(_ name: String) -> Scripted {
      Scripted(name) { requests in requests.map { Label(sample: $0.sample, agent: name, label: 1) } }
    }
  }

  /// What the desk has delivered.
  final class Inbox: Sendable {
    private let labels = Mutex<[Label]>([])
    func put(_ new: [Label]) { labels.withLock { $0 += new } }
    var all: [Label] { labels.withLock { $0 } }
    func of(_ agent: String) -> [Label] { all.filter { $0.agent == agent } }
  }

  static func requests(_ samples: Range<UInt64>) -> [LabelRequest] {
    samples.map { LabelRequest(sample: $0, features: [1]) }
  }

  static func until(_ seconds: Double = 10, _ isTrue: () -> Bool) -> Bool {
    let end = MonotonicClock.now + .seconds(seconds)
    while MonotonicClock.now < end {
      if isTrue() { return true }
      usleep(2_000)
    }
    return isTrue()
  }

  static let quick = SeatSettings(
    deadline: .milliseconds(200), firstWait: .milliseconds(50), longestWait: .milliseconds(200))

  @Test("agents are asked side by side, and their labels come with their names")
  func sideBySide() throws {
    let inbox = Inbox()
    let agents = [Scripted.good("a"), Scripted.good("b")]
    let desk = try AgentDesk(agents.map { .init($0) }, classes: 2) { inbox.put($0) }
    desk.ask(Self.requests(0..<100))
    desk.ask(Self.requests(100..<110), of: ["b"])
    #expect(Self.until { inbox.of("a").count == 100 && inbox.of("b").count == 110 })
    #expect(desk.close().isEmpty && agents.allSatisfy { $0.isClosed.load(ordering: .sequentiallyConsistent) })
    #expect(desk.states.map(\.phase) == [.closed, .closed])
    #expect(desk.states.map(\.counts.labels) == [100, 110])
  }

  @Test("agents get ready before anything is asked")
  func prepared() throws {
    let agent = Scripted.good("a")
    let desk = try AgentDesk([.init(agent)], classes: 2) { _ in }
    #expect(Self.until { agent.isPrepared.load(ordering: .sequentiallyConsistent) })
    #expect(desk.states[0].counts.asked == 0)
    desk.close()
  }

  @Test("an agent that hangs is overdue and stops only itself; closing the desk does not wait for it")
  func hangs() throws {
    let inbox = Inbox()
    let gate = DispatchSemaphore(value: 0)
    defer { gate.signal() }
    let hung = Scripted("hung") { requests in
      gate.wait()
      return requests.map { Label(sample: $0.sample, agent: "hung", label: 0) }
    }
    var settings = Self.quick
    settings.queue = 10
    let desk = try AgentDesk(
      [.init(hung, settings), .init(Scripted.good("good"))], classes: 2
    ) { inbox.put($0) }
    desk.ask(Self.requests(0..<1))
    #expect(Self.until { desk.states[0].phase == .overdue })
    for sample in 1..<50 as Range<UInt64> { desk.ask(Self.requests(sample..<sample + 1)) }
    #expect(Self.until { inbox.of("good").count == 50 })
    #expect(desk.states[0].queued == 10 && desk.states[0].counts.dropped == 39)
    #expect(desk.states[0].words.contains("does not answer"))
    let start = MonotonicClock.now
    #expect(desk.close(within: .milliseconds(300)) == ["hung"])
    #expect(MonotonicClock.now - start < .seconds(5))
    #expect(desk.states[0].phase == .left)
    gate.signal()
    #expect(Self.until { desk.states[0].phase == .closed })
    #expect(inbox.of("hung").isEmpty, "after closing nothing is delivered")
  }

  @Test("an agent that fails is asked less and less often, says why, and is asked again when it recovers")
  func fails() throws {
    struct Broken: Error {}
    let inbox = Inbox()
    let calls = Mutex(0)
    let agent = Scripted("moody") { requests in
      let call = calls.withLock {
        $0 += 1; return $0
      }
      if call <= 3 { throw Broken() }
      return requests.map { Label(sample: $0.sample, agent: "moody", label: nil) }
    }
    var settings = Self.quick
    settings.batch = 1
    let desk = try AgentDesk([.init(agent, settings)], classes: 2) { inbox.put($0) }
    let start = MonotonicClock.now
    desk.ask(Self.requests(0..<10))
    #expect(Self.until { desk.states[0].phase == .backingOff })
    #expect(desk.states[0].words.contains("Broken"))
    #expect(Self.until { inbox.all.count == 7 })
    #expect(MonotonicClock.now - start >= .milliseconds(50 + 100 + 200))
    let state = desk.states[0]
    #expect(state.counts.failures == 3 && state.failures == 0 && state.counts.abstained == 7)
    desk.close()
  }

  @Test("an agent that lies in shape is found: its other labels are dropped and it backs off")
  func lies() throws {
    let inbox = Inbox()
    let agent = Scripted("liar") { requests in
      let sample = requests[0].sample
      return [
        Label(sample: sample, agent: "liar", label: 1), Label(sample: sample, agent: "judge", label: 1),
        Label(sample: sample, agent: "liar", label: 9), Label(sample: sample, agent: "liar", label: -1),
        Label(sample: sample, agent: "liar", label: 1, confidence: .nan),
        Label(sample: sample, agent: "liar", label: 1, confidence: 2),
        Label(sample: sample, agent: "liar", label: 1, cost: -.infinity),
      ]
    }
    let desk = try AgentDesk([.init(agent, Self.quick)], classes: 2) { inbox.put($0) }
    desk.ask(Self.requests(0..<1))
    #expect(Self.until { desk.states[0].counts.failures == 1 })
    #expect(inbox.all == [Label(sample: 0, agent: "liar", label: 1)])
    #expect(desk.states[0].counts.malformed == 6 && desk.states[0].reason.contains("judge"))
    desk.close()
    let flood = [Label](
      repeating: Label(sample: 1, agent: "liar", label: 0), count: AnswerCheck.lateLimit + 2)
    let result = AnswerCheck.check(flood, asked: 1, agent: "liar", classes: 2)
    #expect(result.labels.isEmpty && result.complaint != nil)
  }

  @Test("late labels and second ones reach the book, which knows what to do with them")
  func lateAndTwice() throws {
    let keeper = try Bookkeeper(path: nil, classes: 2)
    let flows = Self.requests(0..<3).map { ChosenFlow($0, probability: 1, reason: .random) }
    #expect(keeper.ask(flows).count == 3)
    let earlier = Mutex<[LabelRequest]>([])
    let agent = Scripted("slow") { requests in
      usleep(250_000)
      // Of the call before, and each twice.
      return earlier.withLock { before in
        defer { before = requests }
        return (before + before).map { Label(sample: $0.sample, agent: "slow", label: 0) }
      }
    }
    let desk = try AgentDesk([.init(agent, Self.quick)], classes: 2) { keeper.note($0) }
    desk.ask(Self.requests(0..<3))
    #expect(Self.until { desk.states[0].counts.late == 1 })
    desk.ask(Self.requests(3..<4))
    #expect(Self.until { keeper.book.counts.labelled == 3 })
    #expect(keeper.refusals == [.second: 3])
    #expect(desk.states[0].counts.late == 2, "a late answer is a failure, also when it is of use")
    desk.close()
  }

  @Test("what is asked is paid before, from the agent's purse; who may owe does not wait behind who may not")
  func paid() throws {
    let keeper = try Bookkeeper(
      path: nil, classes: 2, budgets: ["paid": AgentBudget(calls: 10, period: .seconds(86_400), debt: 0.5)])
    let inbox = Inbox()
    let desk = try AgentDesk(
      [.init(Scripted.good("paid"), purse: keeper.purse(of: "paid"))], classes: 2
    ) { inbox.put($0) }
    desk.ask(Self.requests(0..<30))
    #expect(Self.until { desk.states[0].phase == .waiting })
    #expect(inbox.all.count == 10 && desk.states[0].words.contains("budget is spent"))
    desk.ask(Self.requests(100..<110), mayOwe: true)
    #expect(Self.until { inbox.all.count == 15 })
    #expect(Set(inbox.all.map(\.sample)) == Set((0..<10).map { UInt64($0) } + (100..<105).map { UInt64($0) }))
    #expect(keeper.ledger.purses["paid"]?.totalCalls == 15)
    desk.close()
  }

  @Test(
    "flows that wait too long are let go; an agent that is not ready gets the same flows again, paid once")
  func patience() throws {
    let keeper = try Bookkeeper(path: nil, classes: 2, budgets: ["shy": AgentBudget(calls: 100)])
    let inbox = Inbox()
    let calls = Mutex(0)
    let agent = Scripted("shy") { requests in
      if calls.withLock({
        $0 += 1; return $0
      }) < 3 {
        throw AgentNotReady("starting", wait: .milliseconds(60))
      }
      return requests.map { Label(sample: $0.sample, agent: "shy", label: 1) }
    }
    var settings = Self.quick
    settings.batch = 4
    settings.patience = .milliseconds(80)
    let desk = try AgentDesk(
      [.init(agent, settings, purse: keeper.purse(of: "shy"))], classes: 2
    ) { inbox.put($0) }
    desk.ask(Self.requests(0..<6))
    #expect(Self.until { inbox.all.count >= 4 })
    #expect(Self.until { desk.states[0].counts.expired == 2 })
    let state = desk.states[0]
    #expect(state.counts.asked == 4 && state.counts.failures == 0)
    #expect(keeper.ledger.purses["shy"]?.totalCalls == 4)
    desk.close()
  }

  @Test("two agents of one name, and settings that cannot be, are refused")
  func refused() {
    #expect(throws: LabelBookError.self) {
      try AgentDesk([.init(Scripted.good("a")), .init(Scripted.good("a"))], classes: 2) { _ in }
    }
    #expect(throws: LabelBookError.self) {
      try AgentDesk([.init(Scripted.good("a"), SeatSettings(batch: 0))], classes: 2) { _ in }
    }
  }

  @Test("a wait doubles up to the longest, and a success forgets it")
  func backOff() {
    var backOff = AgentBackOff(first: .seconds(1), longest: .seconds(5))
    var waits: [Duration] = []
    for _ in 0..<4 {
      backOff.fail(at: .zero)
      waits.append(backOff.left(at: .zero))
    }
    #expect(waits == [.seconds(1), .seconds(2), .seconds(4), .seconds(5)])
    backOff.succeed()
    backOff.fail(at: .seconds(100))
    #expect(backOff.left(at: .seconds(100)) == .seconds(1) && backOff.failures == 1)
  }
}
