import Testing

@testable import TestbedLink

@Suite("PIE")
struct PIETests {
  private static let ms: UInt64 = 1_000_000

  /// After so many updates, each with the wait of a packet that left just before.
  private func pie(updates: Int, waitMilliseconds: UInt64, seed: UInt64 = 1) -> PIE {
    var pie = PIE(packetBytes: 1500, seed: seed, at: 0)
    for update in 1...updates {
      let time = UInt64(update) * 15 * Self.ms
      pie.leave(at: time - 1, waited: waitMilliseconds * Self.ms, queueBytes: 100_000)
      pie.elapse(to: time)
    }
    return pie
  }

  @Test("each 15 ms the probability moves by the distance from 15 ms and by the change, scaled by itself")
  func controller() {
    // α·20 ms + β·35 ms over 2,048, then α·20 ms over 128.
    let first = (0.125 * 0.02 + 1.25 * 0.035) / 2048
    #expect(abs(pie(updates: 1, waitMilliseconds: 35).probability - first) < 1e-15)
    let second = first + 0.125 * 0.02 / 128
    #expect(abs(pie(updates: 2, waitMilliseconds: 35).probability - second) < 1e-15)
    // From a tenth on a step is at most 0.02: after 6.7e-4, 4.5e-3, 0.020, 0.081 and 0.143.
    let steep = (5...7).map { pie(updates: $0, waitMilliseconds: 1000).probability }
    #expect(abs(steep[1] - steep[0] - 0.02) < 1e-12 && abs(steep[2] - steep[1] - 0.02) < 1e-12)
    #expect(steep[0] > 0.1 && steep[0] < 0.15)
  }

  @Test("an empty queue lets the probability fall to 0")
  func decay() {
    var pie = pie(updates: 40, waitMilliseconds: 35)
    let before = pie.probability
    pie.leave(at: 601 * Self.ms, waited: 0, queueBytes: 0)
    pie.elapse(to: 700 * Self.ms)
    #expect(pie.probability < before)
    pie.elapse(to: 60_000 * Self.ms)
    #expect(pie.probability == 0)
  }

  /// How many of 10,000 packets meet each fate.
  private func fates(
    _ pie: PIE, queueBytes: Int = 100_000, isCapable: Bool
  ) -> (marked: Int, dropped: Int) {
    var pie = pie
    let fates = (0..<10_000).map { _ in pie.arrive(queueBytes: queueBytes, isCapable: isCapable) }
    return (fates.count { $0 == .mark }, fates.count { $0 == .drop })
  }

  @Test("arrivals are marked or dropped with the probability; above a tenth ECN-capable ones are dropped too")
  func fates() {
    let (low, high) = (pie(updates: 60, waitMilliseconds: 35), pie(updates: 12, waitMilliseconds: 1000))
    #expect((0.01...0.1).contains(low.probability) && high.probability > 0.1)
    func isNear(_ count: Int, _ probability: Double) -> Bool {
      let mean = 10_000 * probability
      return abs(Double(count) - mean) <= 5 * (mean * (1 - probability)).squareRoot()
    }
    var seen = fates(low, isCapable: true)
    #expect(seen.dropped == 0 && isNear(seen.marked, low.probability), "\(seen)")
    seen = fates(low, isCapable: false)
    #expect(seen.marked == 0 && isNear(seen.dropped, low.probability), "\(seen)")
    seen = fates(high, isCapable: true)
    #expect(seen.marked == 0 && isNear(seen.dropped, high.probability), "\(seen)")
  }

  @Test("bursts of 150 ms pass, and a queue of two packets does")
  func safeguards() {
    let early = pie(updates: 9, waitMilliseconds: 1000)
    #expect(early.probability > 0.1)
    #expect(fates(early, isCapable: false) == (0, 0))
    #expect(fates(pie(updates: 10, waitMilliseconds: 1000), isCapable: false).dropped > 0)
    let late = pie(updates: 12, waitMilliseconds: 1000)
    #expect(fates(late, queueBytes: 3000, isCapable: false) == (0, 0))
    #expect(fates(late, queueBytes: 3001, isCapable: false).dropped > 0)
  }

  @Test("a path with a fifth too much traffic keeps its wait near 15 ms, the same for the same seed")
  func path() {
    func window(seed: UInt64) -> PathRecorder.Window {
      var bench = PathBench(PathConfiguration(bitsPerSecond: 12e6, queue: .pie), seed: seed)
      // 1.2 packets a millisecond for 30 s; the first ten seconds find the probability.
      for number in 0..<36_000 {
        let time = UInt64(number) * 833_333
        if number == 12_000 { bench.path.beginWindow(at: time) }
        bench.accept(1, from: number & 0xffff, at: time)
      }
      defer { bench.finish() }
      return bench.window
    }
    let seen = window(seed: 1)
    #expect((10...20).contains(seen.delay.meanNanoseconds / 1e6), "\(seen.delay.meanNanoseconds)")
    #expect(seen.earlyDroppedSegments == seen.droppedSegments)
    #expect(abs(Double(seen.droppedSegments) / Double(seen.arrivedSegments) - 1 / 6) < 0.01)
    #expect(window(seed: 1) == seen && window(seed: 2) != seen)
  }

  @Test("a discipline begins anew when it is changed to, and goes on when it stays")
  func change() {
    var bench = PathBench(PathConfiguration(bitsPerSecond: 12e6))
    bench.accept(400, at: 0)
    bench.change(PathConfiguration(bitsPerSecond: 12e6, queue: .codel), at: 50 * Self.ms)
    // Above the target since 50 ms: the first drop is at 150. A changed delay does not begin it anew.
    let slower = PathConfiguration(bitsPerSecond: 12e6, delayNanoseconds: 1, queue: .codel)
    bench.change(slower, at: 100 * Self.ms)
    bench.path.advance(to: 149 * Self.ms)
    #expect(bench.window.droppedSegments == 0)
    bench.path.advance(to: 151 * Self.ms)
    #expect(bench.window.droppedSegments == 1)
    bench.change(PathConfiguration(bitsPerSecond: 12e6), at: 200 * Self.ms)
    bench.path.advance(to: 1_000 * Self.ms)
    #expect(bench.window.droppedSegments == 0 && bench.path.queueBytes == 0)
    bench.finish()
  }
}
