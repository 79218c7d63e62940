import MedullaDatapath
import Testing

@testable import MedullaAdaptation

@Suite("The adaptation loop")
struct AdaptationLoopTests {
  static func settings(
    shadow: ShadowSettings = .init(), watch: WatchSettings = .init(window: .seconds(10))
  ) -> FunctionSettings {
    FunctionSettings(
      name: "f", bundle: "b",
      gates: GateSettings(stability: .init(window: 2, range: 0.1), updateInterval: .seconds(10)),
      shadow: shadow, watch: watch)
  }

  static func progress(_ value: Double) -> RoundProgress {
    RoundProgress(round: 1, samples: 1, seconds: 0, stability: value, figures: [:])
  }

  static func learned(_ value: Double) -> LoopEvent { .learned(progress(value)) }

  /// A loop whose watch has rewards of version 1 to compare with.
  static func loop(_ settings: FunctionSettings = settings()) -> AdaptationLoop {
    var loop = AdaptationLoop(settings: settings)
    let rewards = (-9...20).map {
      RewardSample(version: 1, unit: 1, reward: 0.9, time: .seconds($0))
    }
    _ = loop.handle(.drained(rewards: rewards, shadowDifferences: []), at: .zero)
    return loop
  }

  static let candidate = LoopEvent.quantized(LoopCases.candidate())

  /// The actions without their records.
  @discardableResult
  static func orders(_ loop: inout AdaptationLoop, _ event: LoopEvent, at seconds: Double = 0) -> [LoopAction]
  {
    loop.handle(event, at: .seconds(seconds)).filter {
      if case .record = $0 { false } else { true }
    }
  }

  static func records(_ actions: [LoopAction]) -> [LoopRecord] {
    actions.compactMap { if case .record(let record) = $0 { record } else { nil } }
  }

  /// A loop that has promoted version 2 over version 1 at second 1.
  static func promoted(_ settings: FunctionSettings = settings()) -> AdaptationLoop {
    var loop = loop(settings)
    for event in [
      .active(version: 1), learned(1), learned(1), .compared([0.2]), candidate, .staged(version: 2),
      .promoted(seconds: 0),
    ] as [LoopEvent] { orders(&loop, event, at: 1) }
    return loop
  }

  @Test("a settled, needed and accurate network is staged, promoted, watched and accepted")
  func wholeWay() throws {
    var loop = Self.loop()
    let steps: [(LoopEvent, [LoopAction], RunnerState.Phase)] = [
      (.active(version: 1), [], .learning),
      (Self.learned(1), [], .learning),
      (Self.learned(1.02), [.compare], .comparing),
      (.compared([0.2, 0.3]), [.quantize], .quantizing),
      (Self.candidate, [.stage(LoopCases.candidate(), shadowEvery: nil)], .staging),
      (.staged(version: 2), [.keep(LoopCases.candidate(), version: 2), .promote], .promoting),
      (.promoted(seconds: 0.001), [], .watching),
    ]
    for (event, orders, phase) in steps {
      #expect(Self.orders(&loop, event) == orders)
      #expect(loop.phase.name == phase)
    }
    #expect(loop.activeVersion == 2)
    let verdict = Self.records(
      loop.handle(.drained(rewards: [], shadowDifferences: []), at: .seconds(30)))
    guard case .verdict(let said) = try #require(verdict.first) else {
      Issue.record("\(verdict)")
      return
    }
    #expect(said.outcome == .undecided)
    #expect(loop.phase.name == .learning)
    #expect(loop.promotions == 1 && loop.rollbacks == 0)
  }

  struct Stop: Sendable, CustomTestStringConvertible {
    let name: String
    var testDescription: String { name }
    let events: [LoopEvent]
    let orders: [LoopAction]
  }

  @Test(
    "a gate that is shut, or a step that fails, leads back to learning",
    arguments: [
      Stop(name: "nothing to gain", events: [.compared([0.01])], orders: []),
      Stop(name: "no inputs", events: [.compared([])], orders: []),
      Stop(
        name: "too inaccurate",
        events: [.compared([1]), .quantized(LoopCases.candidate(error: 0.5))],
        orders: []),
      Stop(name: "no answer", events: [.failed(.init(step: .query, message: ""))], orders: []),
      Stop(name: "no evaluation", events: [.failed(.init(step: .evaluate, message: ""))], orders: []),
      Stop(
        name: "no network", events: [.compared([1]), .failed(.init(step: .freeze, message: ""))], orders: []),
      Stop(
        name: "no snapshot", events: [.compared([1]), .failed(.init(step: .quantize, message: ""))],
        orders: []),
      Stop(
        name: "no slot",
        events: [.compared([1]), candidate, .failed(.init(step: .stage, message: ""))], orders: []),
      Stop(
        name: "no promotion",
        events: [
          .compared([1]), candidate, .staged(version: 2), .failed(.init(step: .promote, message: "")),
        ],
        orders: [.discard]),
    ])
  func stops(_ stop: Stop) {
    var loop = Self.loop()
    for event in [.active(version: 1), Self.learned(1), Self.learned(1)] { Self.orders(&loop, event) }
    #expect(loop.phase.name == .comparing)
    var last: [LoopAction] = []
    for event in stop.events { last = Self.orders(&loop, event) }
    #expect(last == stop.orders, "\(stop.name)")
    #expect(loop.phase.name == .learning, "\(stop.name)")
    #expect(loop.activeVersion == 1 && loop.promotions == 0, "\(stop.name)")
  }

  @Test("without rewards to compare with there is no update")
  func baseline() {
    var loop = AdaptationLoop(settings: Self.settings())
    for _ in 0..<5 { #expect(Self.orders(&loop, Self.learned(1), at: 100) == []) }
    #expect(loop.gates[.time]?.isOpen == false)
    loop = AdaptationLoop(settings: Self.settings(), unit: nil)
    Self.orders(&loop, Self.learned(1), at: 100)
    #expect(Self.orders(&loop, Self.learned(1), at: 100) == [.compare])
  }

  @Test("between updates lies the least time, also after one that was given up")
  func spacing() {
    var loop = Self.loop()
    for event in [
      Self.learned(1), Self.learned(1), .compared([1]), .failed(.init(step: .freeze, message: "")),
    ] { Self.orders(&loop, event) }
    #expect(Self.orders(&loop, Self.learned(1), at: 9) == [])
    #expect(Self.orders(&loop, Self.learned(1), at: 10) == [.compare])
  }

  @Test("a loss in the watch rolls back, records its numbers and waits twice as long after each")
  func rollback() throws {
    func rewards(_ version: UInt64, _ mean: Double, _ second: Int) -> [RewardSample] {
      (0..<4).map {
        RewardSample(
          version: version, unit: UInt64($0), reward: mean + Double($0) / 100, time: .seconds(second))
      }
    }
    var actions: [LoopAction] = []
    var second = 1
    var loop = AdaptationLoop(settings: Self.settings())
    for time in -9...0 {
      _ = loop.handle(
        .drained(rewards: rewards(1, 0.9, time + 20), shadowDifferences: []), at: .seconds(time + 20))
    }
    for event in [
      .active(version: 1), Self.learned(1), Self.learned(1), .compared([0.2]), Self.candidate,
      .staged(version: 2), .promoted(seconds: 0),
    ] as [LoopEvent] { Self.orders(&loop, event, at: 21) }
    while second < 20, actions.isEmpty {
      let time = 21 + second
      actions = loop.handle(
        .drained(rewards: rewards(2, 0.1, time), shadowDifferences: []), at: .seconds(time))
      second += 1
    }
    guard case .verdict(let verdict) = try #require(Self.records(actions).first) else {
      Issue.record("\(actions)")
      return
    }
    #expect(verdict.outcome == .worse)
    #expect(try #require(verdict.relativeLoss) > 0.8)
    #expect(actions.contains(.rollback))
    let after = Self.records(loop.handle(.rolledBack(to: 1), at: .seconds(40)))
    #expect(after == [.rollback(RollbackRecord(from: 2, to: 1, isAutomatic: true, backOffSeconds: 30))])
    #expect(loop.phase.name == .learning && loop.activeVersion == 1 && loop.rollbacks == 1)
    #expect(loop.spacing.wait(at: .seconds(40)) == .seconds(30))
  }

  @Test("a rollback that fails is tried again with each batch, and given up in the end")
  func failingRollback() {
    var loop = Self.promoted()
    #expect(Self.orders(&loop, .command(.rollback)) == [.rollback])
    for attempt in 0..<AdaptationLoop.Retreat.limit {
      Self.orders(&loop, .failed(.init(step: .rollback, message: "")))
      #expect(
        Self.orders(&loop, .drained(rewards: [], shadowDifferences: [])) == [.rollback], "\(attempt)")
    }
    Self.orders(&loop, .failed(.init(step: .rollback, message: "")))
    #expect(loop.phase.name == .learning)
    #expect(Self.orders(&loop, .drained(rewards: [], shadowDifferences: [])) == [])
  }

  @Test("a candidate infers in the shadow first, and goes when it differs too much or is never asked")
  func shadow() {
    let shadow = ShadowSettings(every: 4, decisions: 3, maxDifference: 0.5, limit: .seconds(60))
    for (differences, time, orders) in [
      ([0.1, 0.2, 0.3], 5, [LoopAction.promote]), ([0.9, 0.9, 0.9], 5, [.discard]), ([0.1], 5, []),
      ([0.1], 61, [.discard]),
    ] {
      var loop = Self.loop(Self.settings(shadow: shadow))
      for event in [Self.learned(1), Self.learned(1), .compared([1])] as [LoopEvent] {
        Self.orders(&loop, event)
      }
      #expect(Self.orders(&loop, Self.candidate) == [.stage(LoopCases.candidate(), shadowEvery: 4)])
      #expect(Self.orders(&loop, .staged(version: 2)) == [.keep(LoopCases.candidate(), version: 2)])
      #expect(loop.phase.name == .shadowing)
      #expect(
        Self.orders(&loop, .drained(rewards: [], shadowDifferences: differences), at: Double(time)) == orders)
    }
  }

  @Test("commands do what they say, and only when they can")
  func commands() {
    var loop = Self.loop()
    Self.orders(&loop, .command(.pause))
    #expect(loop.isPaused)
    for _ in 0..<3 { #expect(Self.orders(&loop, Self.learned(1)) == []) }
    Self.orders(&loop, .command(.resume))
    #expect(!loop.isPaused)
    #expect(Self.orders(&loop, .command(.promote)) == [.quantize])
    #expect(Self.orders(&loop, .command(.promote)) == [])
    #expect(Self.orders(&loop, Self.candidate) == [.stage(LoopCases.candidate(), shadowEvery: nil)])
    #expect(
      Self.orders(&loop, .staged(version: 2))
        == [.keep(LoopCases.candidate(), version: 2), .promote])
    let records = Self.records(loop.handle(.promoted(seconds: 0), at: .zero))
    #expect(records == [.promotion(PromotionRecord(version: 2, before: nil, isForced: true, seconds: 0))])
    #expect(Self.orders(&loop, .command(.rollback)) == [.rollback])
  }

  @Test("when someone else changes the snapshot the watch ends without a rollback")
  func othersUpdate() throws {
    var loop = Self.promoted()
    let actions = loop.handle(.active(version: 7), at: .seconds(2))
    guard case .verdict(let verdict) = try #require(Self.records(actions).first) else {
      Issue.record("\(actions)")
      return
    }
    #expect(verdict.outcome == .abandoned)
    #expect(loop.activeVersion == 7 && loop.phase.name == .learning)
  }

  @Test("the gates are recorded when a word changes, not in each round")
  func quietRecords() {
    var loop = Self.loop()
    func gates(_ value: Double) -> Int {
      Self.records(loop.handle(Self.learned(value), at: .zero)).count { $0.kind == "gates" }
    }
    #expect([1, 2, 4, 8, 16].map(gates) == [1, 0, 0, 0, 0])
    #expect(gates(16) == 1)
  }
}
