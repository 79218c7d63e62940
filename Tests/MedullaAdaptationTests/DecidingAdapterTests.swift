import MedullaDatapath
import Testing

@testable import MedullaAdaptation

/// An adapter that says itself when its network is to be taken.
@Suite("The loop of an adapter that decides its updates")
struct DecidingAdapterTests {
  private static let trained = LoopEvent.trained(AdaptationLoopTests.progress(1))

  private static func loop() -> AdaptationLoop {
    var loop = AdaptationLoop(settings: AdaptationLoopTests.settings(), adapterDecides: true)
    let rewards = (-9...60).map { RewardSample(version: 1, unit: 1, reward: 0.9, time: .seconds($0)) }
    _ = loop.handle(.drained(rewards: rewards, shadowDifferences: []), at: .zero)
    _ = loop.handle(.active(version: 1), at: .zero)
    return loop
  }

  private func orders(_ loop: inout AdaptationLoop, _ event: LoopEvent, at seconds: Double) -> [LoopAction] {
    AdaptationLoopTests.orders(&loop, event, at: seconds)
  }

  /// Brings a candidate to the watch.
  private func promote(_ loop: inout AdaptationLoop, at seconds: Double) {
    for event in [AdaptationLoopTests.candidate, .staged(version: 2), .promoted(seconds: 0)] {
      _ = orders(&loop, event, at: seconds)
    }
  }

  @Test("rounds alone lead to nothing, however settled; a training does at once, without a comparison")
  func decided() {
    var loop = Self.loop()
    for second in 0..<20 {
      #expect(orders(&loop, AdaptationLoopTests.learned(1), at: Double(second)) == [])
    }
    #expect(orders(&loop, Self.trained, at: 20) == [.quantize])
    #expect(loop.phase.name == .quantizing)
  }

  @Test("a training while another candidate is on its way is taken when that is through, and only once")
  func owed() {
    var loop = Self.loop()
    #expect(orders(&loop, Self.trained, at: 1) == [.quantize])
    promote(&loop, at: 1)
    #expect(loop.phase.name == .watching)
    #expect(orders(&loop, Self.trained, at: 2) == [])
    _ = orders(&loop, .drained(rewards: [], shadowDifferences: []), at: 40)
    #expect(loop.phase.name == .learning)
    #expect(orders(&loop, AdaptationLoopTests.learned(1), at: 41) == [.quantize])
    promote(&loop, at: 41)
    _ = orders(&loop, .drained(rewards: [], shadowDifferences: []), at: 80)
    #expect(orders(&loop, AdaptationLoopTests.learned(1), at: 81) == [])
  }

  @Test("the least time between updates holds for trainings too")
  func spaced() {
    var loop = Self.loop()
    _ = orders(&loop, Self.trained, at: 1)
    // Too inaccurate: it is given up, and so is what was owed.
    #expect(orders(&loop, .quantized(LoopCases.candidate(error: 0.5)), at: 1) == [])
    #expect(orders(&loop, Self.trained, at: 5) == [])
    #expect(orders(&loop, AdaptationLoopTests.learned(1), at: 10) == [])
    #expect(orders(&loop, AdaptationLoopTests.learned(1), at: 12) == [.quantize])
  }

  @Test("what was trained while it was paused, or pinned by a person, waits for `resume`")
  func paused() {
    var loop = Self.loop()
    _ = orders(&loop, .command(.pause), at: 1)
    #expect(orders(&loop, Self.trained, at: 2) == [])
    _ = orders(&loop, .command(.resume), at: 3)
    #expect(orders(&loop, AdaptationLoopTests.learned(1), at: 4) == [.quantize])
    var pinned = Self.loop()
    _ = orders(&pinned, .active(version: 7), at: 1)
    #expect(orders(&pinned, Self.trained, at: 2) == [])
    _ = orders(&pinned, .command(.resume), at: 3)
    #expect(orders(&pinned, AdaptationLoopTests.learned(1), at: 4) == [.quantize])
  }
}
