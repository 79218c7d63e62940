import MedullaBase
import MedullaPayload
import PayloadProperties
import Testing

@Suite("Assembly beside a model")
struct ModelTests {
  /// Bytes that make a scenario, as random as they come.
  private func bytes(seed: UInt64, first: UInt8) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    let count = Int.random(in: 20...1_500, using: &generator)
    return [first] + (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  @Test("in random runs with loss, duplicates, forgery and expiry no object is wrong and no frame lost")
  func objects() {
    var reached: Set<String> = []
    for seed in 1...250 as ClosedRange<UInt64> {
      if let violation = PayloadProperties.violation(bytes(seed: seed, first: 0), reaching: &reached) {
        Issue.record("seed \(seed): \(violation)")
        return
      }
    }
    // Else the runs would show nothing of it.
    #expect(Set(PacketCause.allCases.map { "\($0)" }).subtracting(reached) == [])
  }

  @Test(
    "in random runs with gaps, overlaps, lies and silence no stream has a wrong byte and no frame is lost")
  func streams() {
    var reached: Set<String> = []
    for seed in 1...250 as ClosedRange<UInt64> {
      if let violation = PayloadProperties.violation(bytes(seed: seed, first: 1), reaching: &reached) {
        Issue.record("seed \(seed): \(violation)")
        return
      }
    }
    // What a frame alone says has tests of its own.
    let ofFrames: [StreamCause] = [.noFlow, .fragment, .otherTransport, .cut]
    #expect(Set(StreamCause.allCases.map { "\($0)" }).subtracting(reached) == Set(ofFrames.map { "\($0)" }))
  }
}
