import MedullaBase
import Testing

@testable import TestbedLink

@Suite("CoDel")
struct CoDelTests {
  private static let ms: UInt64 = 1_000_000

  /// What becomes of a packet that has waited 6 ms before a long queue.
  private func late(_ codel: inout CoDel, _ time: UInt64, isCapable: Bool = true) -> ActiveQueue.Fate {
    codel.leave(at: time, waited: 6 * Self.ms, queueBytes: 100_000, isCapable: isCapable)
  }

  @Test("after an interval above the target it marks, then at an interval over the root of the count")
  func law() {
    var codel = CoDel(packetBytes: 1500)
    // 100 ms / √2 and / √3 after the mark before.
    let marks: [UInt64] = [100_000_000, 200_000_000, 270_710_678, 328_445_704]
    #expect(late(&codel, 0) == .pass)
    for mark in marks {
      #expect(late(&codel, mark - 1) == .pass, "before \(mark)")
      #expect(late(&codel, mark) == .mark, "\(mark)")
    }
    #expect(late(&codel, 378_445_703) == .pass)
    #expect(late(&codel, 378_445_704) == .mark)
  }

  @Test("one packet below the target, or a queue of one packet, begins the interval anew")
  func below() {
    for (waited, queueBytes) in [(5 * Self.ms - 1, 100_000), (6 * Self.ms, 1500)] {
      var codel = CoDel(packetBytes: 1500)
      #expect(late(&codel, 0) == .pass)
      let good = codel.leave(at: 99 * Self.ms, waited: waited, queueBytes: queueBytes, isCapable: true)
      #expect(good == .pass)
      #expect(late(&codel, 100 * Self.ms) == .pass)
      #expect(late(&codel, 200 * Self.ms - 1) == .pass)
      #expect(late(&codel, 200 * Self.ms) == .mark)
    }
  }

  @Test("it goes on at the rate that it had, unless that was long ago", arguments: [true, false])
  func memory(recent: Bool) {
    var codel = CoDel(packetBytes: 1500)
    for time: UInt64 in [0, 100_000_000, 200_000_000, 270_710_678, 328_445_704] { _ = late(&codel, time) }
    // Four marks, of which three after the first: at the next entry the count is 3. The next would have been
    // at 378.4 ms; sixteen intervals later it is forgotten.
    _ = codel.leave(at: 340 * Self.ms, waited: 0, queueBytes: 100_000, isCapable: true)
    let again: UInt64 = recent ? 1_800 * Self.ms : 2_000 * Self.ms
    #expect(late(&codel, again) == .pass)
    #expect(late(&codel, again + 100 * Self.ms) == .mark)
    let next = again + 100 * Self.ms + (recent ? 57_735_026 : 100_000_000)
    #expect(late(&codel, next - 1) == .pass)
    #expect(late(&codel, next) == .mark)
  }

  @Test("on a path it drops the packets whose turn it is, by the wait that each had, and wastes no time")
  func path() {
    // 1 ms a packet: what leaves the queue at t ms has waited t. Above 5 ms from 5 ms on; drops at 105, at
    // 205, and at the first turn after 275.7 ms.
    var bench = PathBench(PathConfiguration(bitsPerSecond: 12e6, queue: .codel))
    bench.accept(300, at: 0)
    let departures = bench.departures(until: 1_000_000_000)
    #expect(Set(0..<300).subtracting(departures.map(\.number)) == [105, 206, 278])
    #expect(departures.map(\.time) == (1...297).map { UInt64($0) * Self.ms })
    #expect(bench.window.droppedSegments == 3 && bench.window.earlyDroppedSegments == 3)
    #expect(bench.window.arrivedSegments == 300 && bench.window.deliveredSegments == 297)
    #expect(bench.path.queueBytes == 0)
    bench.finish()
  }

  @Test("ECN-capable packets are marked in their place, and none is dropped")
  func marks() {
    var bench = PathBench(PathConfiguration(bitsPerSecond: 12e6, queue: .codel))
    bench.accept(300, trafficClass: 2, at: 0)
    #expect(bench.departures(until: 1_000_000_000).count == 300)
    // At 105, 205 and 276 ms; the next would be at 334, when the queue is empty.
    #expect(bench.window.markedSegments == 3 && bench.window.droppedSegments == 0)
    bench.finish()
  }

  @Test("looked at once at the end or at each packet, it decides the same", arguments: UInt64(1)...20)
  func lateness(seed: UInt64) {
    let arrivals = Reference.arrivals(seed: seed)
    let path = PathConfiguration(bitsPerSecond: 8e6, queue: .codel)
    var (often, once) = (PathBench(path), PathBench(path))
    var seen: [Int] = []
    for arrival in arrivals {
      seen += often.departures(until: arrival.time).map(\.number)
      often.accept(arrival.frame, at: arrival.time)
      once.accept(arrival.frame, at: arrival.time)
    }
    seen += often.departures(until: 1_000_000_000_000).map(\.number)
    #expect(once.departures(until: 1_000_000_000_000).map(\.number) == seen, "seed \(seed)")
    often.finish()
    once.finish()
  }

  @Test("the emulated path does what the RFC's queue does, packet by packet", arguments: UInt64(1)...20)
  func reference(seed: UInt64) {
    let arrivals = Reference.arrivals(seed: seed)
    var bench = PathBench(PathConfiguration(bitsPerSecond: 8e6, queue: .codel))
    var seen: [(time: UInt64, number: Int, copies: Int)] = []
    for arrival in arrivals {
      seen += bench.departures(until: arrival.time)
      bench.accept(arrival.frame, at: arrival.time)
    }
    seen += bench.departures(until: 1_000_000_000_000)
    var reference = Reference(arrivals)
    let expected = reference.run()
    #expect(seen.map(\.number) == expected.map(\.number), "seed \(seed)")
    #expect(zip(seen, expected).allSatisfy { $0.time == $1.time }, "seed \(seed)")
    #expect(seen.count < arrivals.count, "seed \(seed): nothing was dropped")
    bench.finish()
  }
}

/// A queue at 8 Mbit/s, 1 µs a byte, that runs the pseudo-code of RFC 8289, section 5, event by event.
private struct Reference {
  struct Packet {
    var number: Int
    var time: UInt64
    var bytes: Int

    var frame: [UInt8] {
      var frame = Frames.plain(bytes: bytes)
      Frames.put(&frame, 14, number)
      return frame
    }
  }

  private var arrivals: ArraySlice<Packet>
  private var queue: [Packet] = []
  private var firstAbove: UInt64 = 0
  private var dropNext: UInt64 = 0
  private var count = 0
  private var lastCount = 0
  private var dropping = false

  init(_ arrivals: [Packet]) { self.arrivals = arrivals[...] }

  /// Times of too much, in which the queue fills, and of too little, in which it drains.
  static func arrivals(seed: UInt64) -> [Packet] {
    var random = SeededGenerator(seed: seed)
    var time: UInt64 = 0
    return (0..<3_000).map { number in
      let load = (number / 600) % 2 == 0 ? 1.3 : 0.8
      time += UInt64(random.unit() * 2 * 780_000 / load) + 1
      return Packet(number: number, time: time, bytes: 60 + Int(random.unit() * 1440))
    }
  }

  mutating func run() -> [(number: Int, time: UInt64)] {
    var sent: [(number: Int, time: UInt64)] = []
    var free: UInt64 = 0
    while true {
      if queue.isEmpty {
        guard let next = arrivals.popFirst() else { return sent }
        queue.append(next)
        free = max(free, next.time)
      }
      while let next = arrivals.first, next.time < free { queue.append(arrivals.removeFirst()) }
      guard let packet = deque(free) else { continue }
      free += UInt64(packet.bytes) * 1_000
      sent.append((packet.number, free))
    }
  }

  private mutating func dodeque(_ now: UInt64) -> (packet: Packet?, ok: Bool) {
    guard !queue.isEmpty else {
      firstAbove = 0
      return (nil, false)
    }
    let packet = queue.removeFirst()
    let left = queue.reduce(0) { $0 + $1.bytes }
    if now - packet.time < 5_000_000 || left <= 1500 {
      firstAbove = 0
    } else if firstAbove == 0 {
      firstAbove = now + 100_000_000
    } else if now >= firstAbove {
      return (packet, true)
    }
    return (packet, false)
  }

  private func law(_ time: UInt64) -> UInt64 { time + UInt64(1e8 / Double(count).squareRoot()) }

  private mutating func deque(_ now: UInt64) -> Packet? {
    var result = dodeque(now)
    if dropping {
      if !result.ok { dropping = false }
      while now >= dropNext && dropping {
        count += 1
        result = dodeque(now)
        if result.ok { dropNext = law(dropNext) } else { dropping = false }
      }
    } else if result.ok {
      result = dodeque(now)
      dropping = true
      let change = count - lastCount
      count = 1
      if change > 1 && Int64(now) - Int64(dropNext) < 1_600_000_000 { count = change }
      dropNext = law(now)
      lastCount = count
    }
    return result.packet
  }
}
