import Foundation
import MedullaBase
import TestbedCases
import Testing

@testable import TestbedLink
@testable import TestbedWorkload

extension RealLinks {
  /// What a link promises to real traffic. A try during which this machine's own timers did not keep time
  /// says nothing of the link, and is told apart by a witness. How late a wake-up is beyond the timer's own
  /// lateness no witness tells on a shared machine, so that to have fallen behind, and a delay's 0.1 ms, are
  /// warnings: an error is a figure that is wrong each time and that no wake-up explains.
  @Suite(
    "An emulated link is accurate", .serialized,
    .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
  struct LinkAccuracyTests {
    private static let tries = 5
    /// A packet wakes the emulator twice. Where the machine's own timers are later than this at the median,
    /// such wake-ups alone are more than the 0.1 ms that a delay is held to, and a miss says nothing.
    private static let latestTimers: Int64 = 50_000
    /// The median error that a delay is held to, and the one beyond which the link itself is wrong: half of a
    /// millisecond's tick.
    private static let exactDelay: Int64 = 100_000
    private static let wrongDelay: Int64 = 500_000

    private struct Outcome {
      var good: Bool
      /// Whether late wake-ups explain that it was not.
      var isLate = false
      var found: String
    }

    /// Judges a try, also by how late the machine's timers were at the median (in nanoseconds).
    private typealias Judgement = (LinkReport, Int64) -> Outcome

    /// Measures until one try is good, five times at the most; says of each why it was not.
    private func expectOnce(
      _ link: LinkConfiguration, _ what: String,
      measure: (LinkEmulator) throws -> Judgement
    ) throws {
      var (failures, all) = (0, [String]())
      while all.count < Self.tries {
        let witness = TimerWitness()
        let (judge, report) = try LinkEmulator.with(link, executable: TestHost.lab) { link in
          (try measure(link), try link.stop())
        }
        let timers = witness.stop(limit: LinkLimits.lateNanoseconds)
        let outcome = judge(report, timers.median)
        if outcome.good, !report.fellBehind { return }
        let isMachine =
          (report.fellBehind && timers.lateShare > LinkLimits.lateShare) || outcome.isLate
        failures += outcome.good || isMachine ? 0 : 1
        all.append(
          outcome.found
            + (isMachine
              ? ", by the machine's own lateness" : report.fellBehind ? ", the emulator fell behind" : "")
        )
      }
      Issue.record(
        "\(what): \(all.joined(separator: "; "))", severity: failures < Self.tries ? .warning : .error)
    }

    @Test(
      "a packet takes the one-way delay within 0.1 ms at the median, each way its own",
      arguments: [UInt64(2), 25])
    func delay(milliseconds: UInt64) throws {
      let link = LinkConfiguration(
        forward: PathConfiguration(bitsPerSecond: 100e6, delayNanoseconds: milliseconds * 1_000_000),
        backward: PathConfiguration(bitsPerSecond: 100e6, delayNanoseconds: 60_000_000))
      try expectOnce(link, "median error of \(milliseconds) ms") { link in
        let probe = try LinkProbe(over: link)
        var arrivals: [LinkProbe.Arrival] = []
        for _ in 0..<200 {
          probe.send(bytes: 100)
          try Interruption.sleep(.milliseconds(2))
          arrivals += probe.receive()
        }
        try Interruption.sleep(.milliseconds(100))
        arrivals += probe.receive()
        // 100 bytes at 100 Mbit/s are 8 µs.
        let exact = Int64(milliseconds) * 1_000_000 + 8_000
        let errors = arrivals.map { $0.delay - exact }.sorted()
        #expect(errors.first ?? 0 >= 0, "no packet is early")
        guard errors.count >= 150 else {
          return { _, _ in Outcome(good: false, found: "\(errors.count) of 200 packets came") }
        }
        let median = errors[errors.count / 2]
        return { _, timers in
          Outcome(
            good: median <= Self.exactDelay, isLate: timers > Self.latestTimers || median <= Self.wrongDelay,
            found: "\(median / 1000) µs, timers \(timers / 1000) µs")
        }
      }
    }

    /// The rate of full packets at the receiver while the queue is never empty, over the last 70% of them.
    private func receivedBitsPerSecond(_ link: LinkEmulator, seconds: Double) throws -> Double {
      let probe = try LinkProbe(over: link)
      let begin = ContinuousClock.now
      var arrivals: [LinkProbe.Arrival] = []
      var sent = 0
      while true {
        // Half as much again as 100 Mbit/s, however late this thread wakes.
        let elapsed = (ContinuousClock.now - begin).inSeconds
        guard elapsed < seconds else { break }
        while Double(sent) < elapsed * 12_500 {
          probe.send(bytes: 1500)
          sent += 1
        }
        arrivals += probe.receive()
        try Interruption.sleep(.milliseconds(1))
      }
      try Interruption.sleep(.milliseconds(200))
      arrivals += probe.receive()
      let used = arrivals.dropFirst(arrivals.count * 3 / 10)
      guard used.count > 100, let first = used.first, let last = used.last else { return 0 }
      return Double(used.count - 1) * 1500 * 8e9 / Double(last.received - first.received)
    }

    @Test("full packets come at 100 Mbit/s within 1%")
    func rate() throws {
      let path = PathConfiguration(bitsPerSecond: 100e6, delayNanoseconds: 5_000_000, bufferBytes: 1_000_000)
      try expectOnce(.init(forward: path, backward: path), "100 Mbit/s") { link in
        let rate = try receivedBitsPerSecond(link, seconds: 1.5)
        #expect(rate < 101e6)
        return { _, _ in
          Outcome(good: abs(rate / 100e6 - 1) < 0.01, found: "\(decimal(rate / 1e6, 2)) Mbit/s")
        }
      }
    }

    @Test("one TCP flow fills 100 Mbit/s within 1%")
    func goodput() throws {
      let path = PathConfiguration(bitsPerSecond: 100e6, delayNanoseconds: 5_000_000, bufferBytes: 250_000)
      try expectOnce(.init(forward: path, backward: path), "TCP over 100 Mbit/s") { link in
        let transfer = try Transfer(.init(congestion: "cubic", seconds: 4), over: link)
        try Interruption.sleep(.seconds(1.5))
        try link.beginWindow()
        try Interruption.sleep(.seconds(2))
        try link.beginWindow()
        _ = try transfer.finish()
        return { report, _ in
          let rate = report.forward.windows[1].bitsPerSecond
          return Outcome(good: abs(rate / 100e6 - 1) < 0.01, found: "\(decimal(rate / 1e6, 2)) Mbit/s")
        }
      }
    }

    @Test("a trace's packets come in its own pattern, within 1% of its mean")
    func trace() throws {
      // 10 ms with 40 packets and 10 ms with 10: 30 Mbit/s in the mean.
      let times = (1...10).flatMap { [UInt32](repeating: $0, count: 4) } + (11...20).map { UInt32($0) }
      let trace = try DeliveryTrace(name: "test", opportunities: times)
      #expect(trace.meanBitsPerSecond == 30e6)
      let link = LinkConfiguration(
        forward: PathConfiguration(bufferBytes: 1_000_000, trace: trace), backward: .init())
      try expectOnce(link, "30 Mbit/s by a trace") { link in
        let rate = try receivedBitsPerSecond(link, seconds: 1.5)
        return { _, _ in Outcome(good: abs(rate / 30e6 - 1) < 0.01, found: "\(decimal(rate / 1e6, 2)) Mbit/s")
        }
      }
    }

    @Test("reordered and doubled packets come out of order and twice, as many as the report says")
    func impairments() throws {
      var path = PathConfiguration(bitsPerSecond: 100e6, delayNanoseconds: 2_000_000)
      path.reordering = Reordering(share: 0.1, extraNanoseconds: 10_000_000)
      path.duplicateProbability = 0.2
      path.burstLoss = BurstLoss(toBad: 0.05, toGood: 0.5)
      try LinkEmulator.with(.init(forward: path, backward: .init()), executable: TestHost.lab) { link in
        let probe = try LinkProbe(over: link)
        for _ in 0..<500 {
          probe.send(bytes: 200)
          usleep(500)
        }
        try Interruption.sleep(.milliseconds(500))
        let numbers = probe.receive().map(\.number)
        let report = try link.stop().forward
        let doubled = numbers.count - Set(numbers).count
        // The kernels say something between the probes as well.
        #expect((1...report.duplicatedSegments).contains(doubled))
        #expect(report.reorderedSegments > 10 && report.burstLostSegments > 10)
        #expect(numbers != numbers.sorted())
        #expect((500 - report.lostSegments...500).contains(Set(numbers).count))
      }
    }
  }
}
