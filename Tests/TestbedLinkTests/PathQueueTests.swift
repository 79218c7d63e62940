import Testing

@testable import TestbedLink

/// A path with a pool, driven by a clock that the test sets.
private struct Bench {
  var path: PathQueue
  var pool = PacketPool(mtu: 1500, segmentsPerUnit: 8)

  init(_ configuration: PathConfiguration, seed: UInt64 = 1) {
    let link = LinkConfiguration(forward: configuration, backward: .init())
    path = PathQueue(configuration, link: link, seed: seed, origin: 0)
  }

  mutating func accept(_ frame: [UInt8], at time: UInt64) {
    frame.withUnsafeBufferPointer { buffer in
      if let base = buffer.baseAddress { path.accept(base, length: buffer.count, at: time, pool: &pool) }
    }
  }

  /// The IP bytes of all units that are due at `time`.
  mutating func take(at time: UInt64) -> [Int] {
    path.advance(to: time)
    var sizes: [Int] = []
    while let packet = path.takeDue(time) {
      sizes.append(packet.pointee.length - 10)
      pool.giveBack(packet)
    }
    return sizes
  }

  mutating func finish() {
    path.clear(into: &pool)
    pool.drain()
  }
}

@Suite("A path's queue")
struct PathQueueTests {
  @Test("a packet leaves after its service and the delay, not before")
  func delay() {
    var bench = Bench(PathConfiguration(bitsPerSecond: 12e6, delayNanoseconds: 5_000_000))
    bench.accept(Frames.plain(bytes: 1500), at: 1_000_000)
    #expect(bench.path.nextEvent == 7_000_000)
    #expect(bench.take(at: 6_999_999) == [])
    #expect(bench.path.nextEvent == 7_000_000)
    #expect(bench.take(at: 7_000_000) == [1500])
    #expect(bench.path.nextEvent == nil)
    bench.finish()
  }

  @Test("a queue drains at the rate however late it is looked at")
  func rate() {
    var bench = Bench(PathConfiguration(bitsPerSecond: 100e6))
    for _ in 0..<1000 { bench.accept(Frames.plain(bytes: 1000), at: 0) }
    // 80 µs each: at 40 ms exactly half are through.
    #expect(bench.take(at: 40_000_000).count == 500)
    #expect(bench.take(at: 79_999_999).count == 499)
    #expect(bench.take(at: 80_000_000).count == 1)
    bench.finish()
  }

  @Test("rounding to nanoseconds does not change the rate over many packets")
  func exactRate() {
    var schedule = ServiceSchedule(bitsPerSecond: 7e9)
    for _ in 0..<1_000_000 { schedule.serve(arrival: 0, bytes: 1500) }
    let exact = 1_000_000 * 1500 * 8e9 / 7e9
    #expect(abs(Double(schedule.busyUntil) - exact) < 2)
  }

  @Test("the buffer takes what fits, the packet in service included, and drops the rest")
  func droptail() {
    var bench = Bench(PathConfiguration(bitsPerSecond: 12e6, bufferBytes: 4000))
    for _ in 0..<4 { bench.accept(Frames.plain(bytes: 1500), at: 0) }
    #expect(bench.path.queueBytes == 3000)
    #expect(bench.path.recorder.current.droppedSegments == 2)
    // A smaller packet still fits.
    bench.accept(Frames.plain(bytes: 1000), at: 0)
    #expect(bench.path.queueBytes == 4000)
    // After one service there is room again.
    bench.accept(Frames.plain(bytes: 1500), at: 1_000_000)
    #expect(bench.path.queueBytes == 4000)
    #expect(bench.path.recorder.current.droppedSegments == 2)
    bench.finish()
  }

  @Test("near the buffer's limit a super-segment enters one segment at a time")
  func partlyFits() {
    var bench = Bench(PathConfiguration(bitsPerSecond: 1e9, bufferBytes: 7 * 1500, segmentsPerUnit: 8))
    bench.accept(Frames.superSegment(version: 4, payload: 10 * 1448, size: 1448), at: 0)
    #expect(bench.path.queueBytes == 7 * 1500)
    #expect(bench.path.recorder.current.droppedSegments == 3)
    bench.finish()
  }

  @Test("the queueing delay of each segment is its own wait before service")
  func queueingDelay() {
    var bench = Bench(PathConfiguration(bitsPerSecond: 12e6, segmentsPerUnit: 1))
    for _ in 0..<4 { bench.accept(Frames.plain(bytes: 1500), at: 0) }
    _ = bench.take(at: 10_000_000)
    let delay = bench.path.recorder.current.delay
    #expect(delay.total == 4)
    #expect(delay.meanNanoseconds == 1_500_000)
    #expect(delay.maximumNanoseconds == 3_000_000)
    bench.finish()
  }

  @Test("a unit of several segments counts each, with the mean wait that single segments would have")
  func unitDelay() {
    var bench = Bench(PathConfiguration(bitsPerSecond: 12e6, segmentsPerUnit: 4))
    bench.accept(Frames.superSegment(version: 4, payload: 4 * 1448, size: 1448), at: 0)
    _ = bench.take(at: 10_000_000)
    #expect(bench.path.recorder.current.delay.total == 4)
    #expect(bench.path.recorder.current.delay.meanNanoseconds == 1_500_000)
    bench.finish()
  }

  @Test("random loss takes its share of single segments, the same for the same seed")
  func loss() {
    func lost(seed: UInt64, probability: Double = 0.01) -> Int {
      var bench = Bench(PathConfiguration(lossProbability: probability), seed: seed)
      for _ in 0..<2000 {
        bench.accept(Frames.superSegment(version: 4, payload: 10 * 1448, size: 1448), at: 0)
      }
      let count = bench.path.recorder.current.lostSegments
      bench.finish()
      return count
    }
    // 20,000 draws: the mean and five standard deviations on each side.
    for probability in [0.001, 0.01, 0.1, 0.9] {
      let mean = 20_000 * probability
      let margin = 5 * (mean * (1 - probability)).squareRoot()
      for seed in [UInt64(1), 42] {
        let count = Double(lost(seed: seed, probability: probability))
        #expect(abs(count - mean) <= margin, "seed \(seed), probability \(probability): \(count)")
      }
    }
    #expect(lost(seed: 42, probability: 0) == 0)
    #expect(lost(seed: 42, probability: 1) == 20_000)
    #expect(lost(seed: 42) == lost(seed: 42))
    #expect(lost(seed: 42) != lost(seed: 43) || lost(seed: 42) != lost(seed: 44))
  }

  @Test("packets that find more than the threshold in the queue are marked when they can be")
  func marking() {
    var bench = Bench(PathConfiguration(bitsPerSecond: 12e6, markAboveBytes: 3000))
    for _ in 0..<5 { bench.accept(Frames.plain(bytes: 1500, trafficClass: 2), at: 0) }
    bench.accept(Frames.plain(bytes: 1500, trafficClass: 0), at: 0)
    #expect(bench.path.recorder.current.markedSegments == 2)
    #expect(bench.path.recorder.current.droppedSegments == 0)
    bench.finish()
  }

  @Test("time bins and windows account for the same packets")
  func bins() {
    var bench = Bench(PathConfiguration(bitsPerSecond: 12e6, bufferBytes: 30_000))
    for index in 0..<50 { bench.accept(Frames.plain(bytes: 1500), at: UInt64(index) * 500_000) }
    _ = bench.take(at: 1_000_000_000)
    bench.path.beginWindow(at: 1_000_000_000)
    let report = PathReport(bench.path)
    #expect(report.bins.deliveredBytes.reduce(0, +) == report.deliveredBytes)
    #expect(report.bins.droppedSegments.reduce(0, +) == report.droppedSegments)
    #expect(report.windows[0].deliveredSegments + report.droppedSegments == 50)
    #expect(report.droppedSegments > 0)
    #expect(report.bins.queueBytesMaximum.max() == report.windows[0].queueBytesMaximum)
    bench.finish()
  }

  @Test("frames that are no packets, or larger than the link takes, are counted and left")
  func malformed() {
    var bench = Bench(PathConfiguration())
    bench.accept([UInt8](repeating: 0, count: 10), at: 0)
    bench.accept([1, 2, 3], at: 0)
    bench.accept(Frames.plain(bytes: 20_000), at: 0)
    #expect(bench.path.malformedFrames == 3)
    #expect(bench.take(at: 1) == [])
    bench.finish()
  }
}
