import Foundation
import MedullaBase
import TestbedCases
import Testing

@testable import TestbedLink
@testable import TestbedWorkload

@Suite("A link that changes in mid-run")
struct LinkChangeTests {
  /// A path with a pool, and when each packet leaves it.
  private struct Bench {
    var path: PathQueue
    var pool = PacketPool(mtu: 1500, segmentsPerUnit: 8)

    init(_ configuration: PathConfiguration) {
      let link = LinkConfiguration(forward: configuration, backward: .init())
      path = PathQueue(configuration, link: link, seed: 1, origin: 0)
    }

    mutating func accept(_ count: Int, at time: UInt64) {
      let frame = Frames.plain(bytes: 1500)
      for _ in 0..<count {
        frame.withUnsafeBufferPointer { buffer in
          if let base = buffer.baseAddress {
            path.accept(base, length: buffer.count, at: time, pool: &pool)
          }
        }
      }
    }

    mutating func change(_ configuration: PathConfiguration, at time: UInt64) {
      path.change(configuration, mtu: 1500, segmentLimit: 8, at: time)
    }

    mutating func leaving(until end: UInt64) -> [UInt64] {
      var times: [UInt64] = []
      path.advance(to: end)
      while let next = path.nextEvent, next <= end {
        guard let packet = path.takeDue(next) else { break }
        times.append(next)
        pool.giveBack(packet)
      }
      return times
    }
  }

  @Test("packets that wait are served at the new rate; those already served keep their times")
  func rate() {
    // 1 ms a packet, then 2 ms.
    var bench = Bench(PathConfiguration(bitsPerSecond: 12e6))
    bench.accept(4, at: 0)
    bench.change(PathConfiguration(bitsPerSecond: 6e6), at: 2_000_000)
    #expect(bench.leaving(until: 20_000_000) == [1_000_000, 2_000_000, 4_000_000, 6_000_000])
    bench.path.clear(into: &bench.pool)
    bench.pool.drain()
  }

  @Test("a shorter delay does not let a later packet overtake one on its way")
  func order() {
    var bench = Bench(PathConfiguration(bitsPerSecond: 12e6, delayNanoseconds: 50_000_000))
    bench.accept(1, at: 0)
    bench.change(PathConfiguration(bitsPerSecond: 12e6, delayNanoseconds: 5_000_000), at: 10_000_000)
    bench.accept(1, at: 10_000_000)
    #expect(bench.leaving(until: 100_000_000) == [51_000_000, 51_000_000])
    bench.path.clear(into: &bench.pool)
    bench.pool.drain()
  }

  @Test("a buffer that shrinks keeps what it has and refuses more until that has left")
  func buffer() {
    var bench = Bench(PathConfiguration(bitsPerSecond: 12e6, bufferBytes: 15_000))
    bench.accept(10, at: 0)
    bench.change(PathConfiguration(bitsPerSecond: 12e6, bufferBytes: 3_000), at: 0)
    bench.accept(1, at: 0)
    #expect(bench.path.recorder.current.droppedSegments == 1)
    #expect(bench.path.queueBytes == 15_000)
    bench.path.advance(to: 9_000_000)
    bench.accept(2, at: 9_000_000)
    #expect(bench.path.recorder.current.droppedSegments == 2)
    bench.path.clear(into: &bench.pool)
    bench.pool.drain()
  }

  @Test("loss begins and ends with its configuration, each in a window of its own")
  func loss() {
    var bench = Bench(PathConfiguration())
    bench.accept(100, at: 0)
    bench.change(PathConfiguration(lossProbability: 1), at: 1)
    bench.accept(100, at: 2)
    bench.change(PathConfiguration(), at: 3)
    bench.accept(100, at: 4)
    bench.path.beginWindow(at: 5)
    #expect(bench.path.recorder.windows.map(\.lostSegments) == [0, 100, 0])
    bench.path.clear(into: &bench.pool)
    bench.pool.drain()
  }

  @Test("a change is read as people write it, and what it does not name stays")
  func text() throws {
    let before = LinkConfiguration(
      forward: PathConfiguration(
        bitsPerSecond: 12e6, delayNanoseconds: 20_000_000, bufferBytes: 9_000, lossProbability: 0.01),
      backward: PathConfiguration(bitsPerSecond: 12e6, delayNanoseconds: 20_000_000))
    let change = try PathChange("10s rate=6mbit buffer=2BDP")
    #expect(change.time == 10)
    let after = try change.applied(to: before)
    #expect(after.forward.bitsPerSecond == 6e6)
    #expect(after.forward.bufferBytes == 60_000)
    #expect(after.forward.delayNanoseconds == 20_000_000)
    #expect(after.forward.lossProbability == 0.01)
    let lossy = try PathChange("0.5s loss=0.25 delay=1ms").applied(to: before)
    #expect(lossy.forward.lossProbability == 0.25)
    #expect(lossy.backward.lossProbability == 0)
    #expect(lossy.backward.delayNanoseconds == 1_000_000)
  }

  @Test("each way has settings of its own: `return-` only from the server, loss only towards it")
  func asymmetry() throws {
    let before = LinkConfiguration(forward: .init(), backward: .init())
    let after = try PathChange(
      "1s return-rate=1mbit rate=8mbit delay=10ms return-delay=30ms buffer=1BDP loss=0.1 return-loss=0.2 "
        + "burst-loss=0.01,0.5 return-reorder=0.1,2ms duplicate=0.3 return-mark-above=3000"
    ).applied(to: before)
    var forward = PathConfiguration(
      bitsPerSecond: 8e6, delayNanoseconds: 10_000_000, bufferBytes: 40_000, lossProbability: 0.1)
    forward.burstLoss = BurstLoss(toBad: 0.01, toGood: 0.5)
    forward.duplicateProbability = 0.3
    #expect(after.forward == forward)
    var backward = PathConfiguration(
      bitsPerSecond: 1e6, delayNanoseconds: 30_000_000, bufferBytes: 5_000, lossProbability: 0.2,
      markAboveBytes: 3000)
    backward.reordering = Reordering(share: 0.1, extraNanoseconds: 2_000_000)
    #expect(after.backward == backward)
  }

  @Test("policer and batches hold towards the server, queue and port's delay both ways; each can end")
  func parts() throws {
    let before = LinkConfiguration(forward: .init(), backward: .init())
    let after = try PathChange(
      "1s policer=10mbit,30kB return-aggregate=10ms queue=codel return-queue=pie port-delay=5202,45ms"
    ).applied(to: before)
    let port = PortDelay(port: 5202, extraNanoseconds: 45_000_000)
    let policer = Policing(bitsPerSecond: 10e6, burstBytes: 30_000)
    #expect(after.forward == PathConfiguration(policer: policer, queue: .codel, portDelay: port))
    let batches: UInt64 = 10_000_000
    #expect(
      after.backward == PathConfiguration(queue: .pie, aggregationNanoseconds: batches, portDelay: port))
    let ended = try PathChange("2s policer=none return-aggregate=0ms queue=droptail port-delay=none")
      .applied(to: after)
    #expect(ended == before)
  }

  @Test(
    "a change that makes no sense is refused",
    arguments: [
      "10s trace=x", "10s return-trace=x", "10s return-=1", "10s return-return-loss=0", "10s burst-loss=1",
      "10s policer=1mbit", "10s queue=red", "10s aggregate=often", "10s port-delay=5202", "10s return-queue=",
      "", "10s", "rate=6mbit", "10s rate", "10s speed=6mbit", "10s loss=2", "10s loss=nan", "1x loss=0",
    ])
  func nonsense(text: String) {
    // What is no quantity at all is the parser's own refusal.
    #expect {
      try PathChange(text)
    } throws: {
      $0 is TestbedError || $0 is QuantityError
    }
  }

  @Test("a schedule gives the last change that is due, once, and refuses times that do not rise")
  func schedule() throws {
    func link(_ rate: Double) -> LinkConfiguration {
      LinkConfiguration(forward: PathConfiguration(bitsPerSecond: rate), backward: .init())
    }
    var schedule = try LinkSchedule([
      (1, link(1e6)), (2, link(2e6)), (5, link(3e6)),
    ])
    #expect(schedule.takeDue(0.5) == nil)
    #expect(schedule.takeDue(3)?.forward.bitsPerSecond == 2e6)
    #expect(schedule.takeDue(3) == nil)
    #expect(schedule.takeDue(5)?.forward.bitsPerSecond == 3e6)
    #expect(throws: TestbedError.self) {
      try LinkSchedule([(2, link(1e6)), (2, link(1e6))])
    }
    #expect(throws: TestbedError.self) { try LinkSchedule([(0, link(1))]) }
  }
}

@Suite("Background traffic's pattern")
struct BackgroundPatternTests {
  @Test("it sends in the first part of each period")
  func bursts() {
    let pattern = BackgroundTraffic.Pattern(bitsPerSecond: 1e6, on: 1, off: 3)
    #expect(pattern.duty == 0.25)
    #expect([0, 0.99, 4, 8.5].allSatisfy { pattern.sends(at: $0) })
    #expect(![1, 3.99, 5, 11].contains { pattern.sends(at: $0) })
    #expect(BackgroundTraffic.Pattern(bitsPerSecond: 1).sends(at: 77))
    #expect(!BackgroundTraffic.Pattern.none.sends(at: 0))
  }
}

extension RealLinks {
  @Suite(
    "A real link under changes", .serialized,
    .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
  struct ChangingLinkTests {
    private func link(_ rate: Double) -> LinkConfiguration {
      LinkConfiguration(
        forward: PathConfiguration(bitsPerSecond: rate, bufferBytes: 64_000), backward: .init())
    }

    @Test("unresponsive traffic gets what each condition leaves of it, and every packet is accounted for")
    func conditions() throws {
      try LinkEmulator.with(link(20e6), executable: TestHost.lab) { link in
        let traffic = try BackgroundTraffic(over: link)
        defer { traffic.stop() }
        traffic.follow(.init(bitsPerSecond: 4e6))
        try Interruption.sleep(.seconds(1))
        try link.change(self.link(1e6))
        try Interruption.sleep(.seconds(1))
        traffic.follow(.none)
        try Interruption.sleep(.seconds(1))
        let counts = traffic.stop()
        let windows = try link.stop().forward.windows
        #expect(windows.count == 2)
        // Two seconds at 4 Mbit/s are 667 packets; a busy machine sends fewer, never more.
        #expect(counts.sent > 300)
        #expect(counts.sent <= 680)
        #expect(windows[0].droppedSegments == 0)
        #expect(windows[1].droppedSegments > 0)
        #expect(counts.received < counts.sent)
        #expect(counts.received <= windows.reduce(0) { $0 + $1.deliveredSegments })
      }
    }

    @Test("short flows are complete when the receiver has read every byte")
    func flows() throws {
      try LinkEmulator.with(link(50e6), executable: TestHost.lab) { link in
        var plan = ShortFlows.Plan(congestion: "cubic")
        plan.bytes = 1_000...200_000
        plan.interval = 0.02
        let flows = try ShortFlows(plan, over: link)
        defer { flows.stop() }
        try Interruption.sleep(.seconds(1))
        let counts = try flows.finish(within: .seconds(30))
        #expect(counts.begun > 2)
        #expect(counts.connected == counts.begun)
        #expect(counts.completed == counts.begun)
        #expect(counts.broken == 0, "\(counts.reasons)")
        #expect(flows.completed().count == counts.completed)
      }
    }

    @Test("a flow that nobody can complete counts as broken, with the reason")
    func broken() throws {
      var lost = link(50e6)
      lost.forward.lossProbability = 1
      try LinkEmulator.with(lost, executable: TestHost.lab) { link in
        var plan = ShortFlows.Plan(congestion: "cubic")
        plan.interval = 0.1
        plan.patience = 0.5
        let flows = try ShortFlows(plan, over: link)
        defer { flows.stop() }
        try Interruption.sleep(.milliseconds(300))
        let counts = try flows.finish(within: .seconds(10))
        #expect(counts.begun >= 1)
        #expect(counts.broken == counts.begun)
        #expect(counts.reasons == ["not complete after 0.5 s": counts.broken])
      }
    }
  }
}
