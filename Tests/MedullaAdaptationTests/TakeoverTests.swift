import MedullaDatapath
import Testing

@testable import MedullaAdaptation

@Suite("What a loop finds that it has not made")
struct TakeoverTests {
  struct Find: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let version: UInt64
    let before: UInt64
    /// When it was changed and when the loop starts.
    let changed: Double
    let starts: Double
    let phase: RunnerState.Phase
    /// Seconds until the next update may be tried.
    let wait: Double
  }

  /// The window is 10 s, the least time between updates 10 s, the back-off 30 s.
  @Test(
    "a change from before the start is watched on, waited for, or past",
    arguments: [
      Find(
        testDescription: "promoted in the window", version: 5, before: 4, changed: 100, starts: 103,
        phase: .watching, wait: 10),
      Find(
        testDescription: "promoted before the window", version: 5, before: 4, changed: 100, starts: 150,
        phase: .learning, wait: 0),
      Find(
        testDescription: "rolled back just now", version: 4, before: 5, changed: 100, starts: 103,
        phase: .learning, wait: 27),
      Find(
        testDescription: "rolled back long ago", version: 4, before: 5, changed: 100, starts: 500,
        phase: .learning, wait: 0),
    ])
  func found(_ find: Find) {
    var loop = AdaptationLoop(settings: AdaptationLoopTests.settings())
    let change = ActiveChange(
      version: find.version, before: find.before, nanoseconds: UInt64(find.changed * 1e9))
    #expect(loop.handle(.found(change), at: .seconds(find.starts)) == [])
    #expect(loop.phase.name == find.phase)
    #expect(loop.activeVersion == find.version)
    #expect(loop.candidateVersion == (find.phase == .watching ? find.version : nil))
    #expect(loop.spacing.wait(at: .seconds(find.starts)) == .seconds(find.wait))
  }

  @Test("a change in the future, of another boot's clock, or after the loop has begun is not believed")
  func notBelieved() {
    let change = ActiveChange(version: 5, before: 4, nanoseconds: 100_000_000_000)
    var loop = AdaptationLoop(settings: AdaptationLoopTests.settings())
    _ = loop.handle(.found(change), at: .seconds(99))
    #expect(loop.activeVersion == nil && loop.phase.name == .learning)
    _ = loop.handle(.active(version: 7), at: .seconds(99))
    _ = loop.handle(.found(change), at: .seconds(101))
    #expect(loop.activeVersion == 7 && loop.phase.name == .learning)
    let endless = ActiveChange(version: 5, before: 4, nanoseconds: .max)
    loop = AdaptationLoop(settings: AdaptationLoopTests.settings())
    _ = loop.handle(.found(endless), at: .seconds(101))
    #expect(loop.activeVersion == nil)
  }

  /// One reward of each of four flows on a version, every 250 ms of a second.
  private func rewards(_ version: UInt64, _ mean: Double, _ second: Int) -> [RewardSample] {
    (0..<16).map { index in
      let (flow, quarter) = (UInt64(index % 4), index / 4)
      return RewardSample(
        version: version, unit: version * 100 + flow, reward: mean + Double(flow) / 100,
        time: .milliseconds(second * 1000 + quarter * 250))
    }
  }

  /// A loop that takes version 5 over, 3 s after its promotion, and what it then says of the rewards.
  private func takenOver(
    old: Double?, new: Double
  ) -> (loop: AdaptationLoop, actions: [LoopAction], second: Int) {
    var loop = AdaptationLoop(settings: AdaptationLoopTests.settings())
    _ = loop.handle(
      .found(ActiveChange(version: 5, before: 4, nanoseconds: 100_000_000_000)), at: .seconds(103))
    var actions: [LoopAction] = []
    var second = 103
    while second < 200, actions.isEmpty {
      let beside = old.map { rewards(4, $0, second) } ?? []
      actions = loop.handle(
        .drained(rewards: beside + rewards(5, new, second), shadowDifferences: []), at: .seconds(second))
      second += 1
    }
    return (loop, actions, second)
  }

  @Test("a snapshot on trial that does worse than the flows beside it is rolled back after a takeover too")
  func worse() throws {
    var (loop, actions, second) = takenOver(old: 0.9, new: 0.2)
    guard case .verdict(let verdict)? = AdaptationLoopTests.records(actions).first else {
      Issue.record("\(actions)")
      return
    }
    #expect(verdict.outcome == .worse && verdict.comparison == .sideBySide && verdict.version == 5)
    #expect(actions.contains(.rollback))
    let after = AdaptationLoopTests.records(loop.handle(.rolledBack(to: 4), at: .seconds(second)))
    #expect(after == [.rollback(RollbackRecord(from: 5, to: 4, isAutomatic: true, backOffSeconds: 30))])
    #expect(loop.spacing.wait(at: .seconds(second)) == .seconds(30))
    (loop, actions, second) = takenOver(old: 0.5, new: 0.9)
    guard case .verdict(let better)? = AdaptationLoopTests.records(actions).first else { return }
    #expect(better.outcome == .accepted && loop.phase.name == .learning)
  }

  @Test("without flows on both versions it is undecided, because the rewards of before are lost")
  func alone() {
    let (loop, actions, _) = takenOver(old: nil, new: 0.2)
    guard case .verdict(let verdict)? = AdaptationLoopTests.records(actions).first else {
      Issue.record("\(actions)")
      return
    }
    #expect(verdict.outcome == .undecided)
    #expect(verdict.reason?.contains("restart") == true)
    #expect(loop.phase.name == .learning && loop.activeVersion == 5)
  }

  struct Return: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let events: [LoopEvent]
    let phase: RunnerState.Phase
    let discards: Bool
    let abandons: Bool
  }

  private static let shadow = ShadowSettings(every: 4, decisions: 3, maxDifference: 0.5, limit: .seconds(60))
  private static let learned = AdaptationLoopTests.learned(1)

  @Test(
    "who goes back to an older version is recorded with it, in whatever phase, and the loop waits",
    arguments: [
      Return(testDescription: "learning", events: [], phase: .learning, discards: false, abandons: false),
      Return(
        testDescription: "comparing", events: [learned, learned], phase: .comparing, discards: false,
        abandons: false),
      Return(
        testDescription: "quantizing", events: [learned, learned, .compared([1])], phase: .quantizing,
        discards: false, abandons: false),
      Return(
        testDescription: "shadowing",
        events: [learned, learned, .compared([1]), AdaptationLoopTests.candidate, .staged(version: 8)],
        phase: .shadowing, discards: true, abandons: false),
      Return(
        testDescription: "watching",
        events: [
          learned, learned, .compared([1]), AdaptationLoopTests.candidate, .staged(version: 8),
          .drained(rewards: [], shadowDifferences: [0, 0, 0]), .promoted(seconds: 0),
        ],
        phase: .watching, discards: false, abandons: true),
    ])
  func foreignReturn(_ way: Return) {
    var loop = AdaptationLoopTests.loop(AdaptationLoopTests.settings(shadow: Self.shadow))
    for event in [.active(version: 7)] + way.events { AdaptationLoopTests.orders(&loop, event) }
    #expect(loop.phase.name == way.phase)
    let from = loop.activeVersion ?? 0
    let actions = loop.handle(.active(version: 3), at: .seconds(5))
    let records = AdaptationLoopTests.records(actions)
    #expect(
      records.last
        == .rollback(RollbackRecord(from: from, to: 3, isAutomatic: false, backOffSeconds: 30)))
    #expect(records.contains { $0.kind == "verdict" } == way.abandons)
    #expect(actions.contains(.discard) == way.discards)
    #expect(loop.phase.name == .learning && loop.activeVersion == 3 && loop.candidateVersion == nil)
    #expect(loop.rollbacks == 1)
    #expect(loop.spacing.wait(at: .seconds(5)) == .seconds(30))
    // A second one in a row waits twice as long, as after rollbacks of its own.
    _ = loop.handle(.active(version: 2), at: .seconds(6))
    #expect(loop.spacing.wait(at: .seconds(6)) == .seconds(60))
  }

  @Test("what is attached anew begins anew: no watch, no rollback, no rewards of other versions")
  func attachedAnew() {
    var loop = AdaptationLoopTests.promoted()
    let records = AdaptationLoopTests.records(loop.handle(.attachedAnew, at: .seconds(2)))
    guard case .verdict(let verdict)? = records.first, records.count == 1 else {
      Issue.record("\(records)")
      return
    }
    #expect(verdict.outcome == .abandoned)
    #expect(loop.handle(.active(version: 1), at: .seconds(2)) == [])
    #expect(loop.activeVersion == 1 && loop.phase.name == .learning && loop.rollbacks == 0)
    for _ in 0..<3 { AdaptationLoopTests.orders(&loop, Self.learned, at: 20) }
    #expect(loop.phase.name == .learning, "there are no rewards to hold a candidate against yet")
  }

  @Test("flows that come to a promoted snapshot after its time are watched then, unless another followed")
  func lateFlows() {
    for isFollowed in [false, true] {
      var loop = AdaptationLoopTests.promoted()
      func drain(_ rewards: [RewardSample], _ second: Int) -> [LoopAction] {
        loop.handle(.drained(rewards: rewards, shadowDifferences: []), at: .seconds(second))
      }
      guard case .verdict(let unused)? = AdaptationLoopTests.records(drain([], 40)).first else {
        Issue.record("no verdict")
        continue
      }
      #expect(unused.outcome == .undecided && unused.newSamples == 0)
      #expect(loop.phase.name == .learning)
      if isFollowed {
        for event in [
          .command(.promote), AdaptationLoopTests.candidate, .staged(version: 3), .promoted(seconds: 0),
        ]
          as [LoopEvent]
        { AdaptationLoopTests.orders(&loop, event, at: 41) }
      }
      var actions: [LoopAction] = []
      var second = 60
      while second < 70, !actions.contains(.rollback) {
        actions = drain(rewards(2, 0.1, second), second)
        second += 1
      }
      #expect(actions.contains(.rollback) == !isFollowed)
      #expect(loop.phase.name == (isFollowed ? .watching : .rollingBack))
    }
  }
}
