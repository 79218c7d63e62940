import CMedullaNF
import Foundation
import Glibc
import MedullaBase
import RingProperties
import Testing

@Suite("Rings of descriptors")
struct RingTests {
  private static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("fuzz/corpus")

  @Test(
    "what holds for a ring and for messages holds for the corpus and for seeded mutations of it",
    arguments: [("nfring", RingProperties.violation), ("nfwelcome", WelcomeProperties.violation)]
      as [(String, @Sendable ([UInt8]) -> String?)])
  func corpus(_ folder: String, _ violation: @Sendable ([UInt8]) -> String?) throws {
    let folder = Self.corpus.appendingPathComponent(folder)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(files.count >= 6)
    for file in files {
      let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(file)))
      #expect(violation(bytes) == nil, "\(file)")
      for seed in 1...200 as ClosedRange<UInt64> {
        var generator = SeededGenerator(seed: seed)
        var mutant = bytes
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
          mutant[Int.random(in: mutant.indices, using: &generator)] = UInt8.random(
            in: 0...255, using: &generator)
        }
        if let violation = violation(mutant) { Issue.record("\(file), seed \(seed): \(violation)") }
      }
    }
  }

  @Test("random operations of both sides keep order and number", arguments: 1...8 as ClosedRange<UInt64>)
  func random(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      // Starts lie on both sides of where indices begin again.
      let start = UInt32.random(in: 0...200, using: &generator) &- 100
      var bytes = [UInt8.random(in: 0...255, using: &generator)]
      bytes += withUnsafeBytes(of: start) { Array($0) } + [0]
      bytes += (0..<400).map { _ in UInt8.random(in: 0...255, using: &generator) }
      if let violation = RingProperties.violation(bytes) { Issue.record("seed \(seed): \(violation)") }
    }
  }

  @Test("two threads lose nothing and keep the order, also beyond 2^32", arguments: [2, 64, 4_096])
  func threads(_ entries: Int) {
    let ring = SharedRing(entries: entries, start: UInt32.max - 5_000)
    let done = DispatchSemaphore(value: 0)
    Thread {
      ring.produce(SharedRing.most)
      done.signal()
    }.start()
    let fault = ring.consume(SharedRing.most)
    done.wait()
    #expect(fault == nil)
    #expect(ring.produced == ring.consumed)
  }
}

/// A ring between two threads, with what wakes the consumer, for at most some seconds.
private final class SharedRing: @unchecked Sendable {
  static let most: UInt64 = 100_000
  private static let seconds: UInt64 = 20_000_000_000

  private let memory: UnsafeMutableRawPointer
  private var producer: nf_producer
  private var consumer: nf_consumer
  private let deadline = MonotonicClock.nanoseconds + SharedRing.seconds
  private var ends: [Int32] = [-1, -1]
  private(set) var produced: UInt64 = 0
  private(set) var consumed: UInt64 = 0

  init(entries: Int, start: UInt32) {
    let bytes = Int(nf_ring_bytes(UInt32(entries)))
    memory = .allocate(byteCount: bytes, alignment: 64)
    memset(memory, 0, bytes)
    let words = memory.assumingMemoryBound(to: UInt32.self)
    words[NF_PRODUCED_WORD] = start
    words[NF_CONSUMED_WORD] = start
    producer = nf_make_producer(memory, UInt32(entries))
    consumer = nf_make_consumer(memory, UInt32(entries))
    (producer.next, producer.consumed, consumer.next, consumer.produced) = (start, start, start, start)
    nf_make_channel(&ends)
  }

  deinit {
    for end in ends { close(end) }
    memory.deallocate()
  }

  func produce(_ count: UInt64) {
    var generator = SeededGenerator(seed: count)
    while produced < count, MonotonicClock.nanoseconds < deadline {
      let wanted = min(UInt64.random(in: 1...48, using: &generator), count - produced)
      let batch = (0..<wanted).map { nf_describe(produced + $0, UInt32($0), 1) }
      let room = UInt64(nf_produce(&producer, batch, UInt32(wanted)))
      produced += room
      if nf_must_wake(&producer) != 0 { nf_wake(ends[0]) }
      if room == 0 { sched_yield() }
    }
  }

  /// - Returns: what went wrong; nil: all came, in order.
  func consume(_ count: UInt64) -> String? {
    var batch = [nf_descriptor](repeating: 0, count: 64)
    while consumed < count {
      guard MonotonicClock.nanoseconds < deadline else { return "\(consumed) of \(count) came in time" }
      let there = Int(nf_consume(&consumer, &batch, 64))
      for index in 0..<there {
        guard nf_place(batch[index]) == consumed else {
          return "\(nf_place(batch[index])) instead of \(consumed)"
        }
        consumed += 1
      }
      guard consumer.is_broken == 0 else { return "an index is nonsense" }
      guard there == 0, consumed < count, nf_may_sleep(&consumer) != 0 else { continue }
      var watched = pollfd(fd: ends[1], events: Int16(POLLIN), revents: 0)
      // A wake that is missed shows here.
      if poll(&watched, 1, 2_000) == 0, produced == count, consumed < count { return "nobody woke it" }
      nf_has_woken(&consumer)
      if nf_take_wakes(ends[1]) == 0 { return "the other side has gone" }
    }
    return nil
  }
}
