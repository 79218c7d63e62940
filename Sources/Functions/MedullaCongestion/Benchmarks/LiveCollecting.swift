import Foundation
import MedullaDatapath
import MedullaKernel

/// What an ACK of running flows costs with sampling off, with a reader, and with nobody who reads.
package struct LiveCollecting: Sendable {
  package static let rounds = 7
  /// How often the reader drains.
  static let interval = 0.1
  /// How long a ring may take to fill, in seconds.
  static let patience = 10.0

  /// One way of collecting; ratios are against sampling that is off, of the same round.
  package struct Figure: Codable, Sendable, Equatable {
    /// The median over rounds of the mean time of a whole ACK.
    package let nanosecondsPerACK: Double
    package let ratio: Double
    package let acknowledgements: UInt64
    package let samples: UInt64
    package let dropped: UInt64

    enum CodingKeys: String, CodingKey {
      case ratio, samples, dropped
      case nanosecondsPerACK = "ns_per_ack"
      case acknowledgements = "acks"
    }
  }

  package struct Report: Codable, Sendable, Equatable {
    package let off: Figure
    package let listened: Figure
    package let unheard: Figure
    package let rounds: Int
  }

  private struct Reading {
    var nanoseconds: UInt64 = 0
    var runs: UInt64 = 0
    var samples: UInt64 = 0
    var dropped: UInt64 = 0

    var mean: Double { Double(nanoseconds) / Double(max(runs, 1)) }
  }

  private let instance: Instance

  package init(_ instance: Instance) {
    self.instance = instance
  }

  /// Measures an attached instance that flows run on; its sampling is off afterwards.
  ///
  /// - Parameter seconds: of each reading; there are three in a round.
  /// - Throws: `noAnswer` when no ACK came in a reading.
  package func run(seconds: Double) throws -> Report {
    let statistics = try BPFRunStatistics()
    defer { withExtendedLifetime(statistics) {} }
    defer { try? instance.setSampling(every: 0) }
    let program = try instance.pinned().current().main
    let samples = try instance.samples()
    var off: [Reading] = []
    var listened: [Reading] = []
    var unheard: [Reading] = []
    for _ in 0..<Self.rounds {
      try instance.setSampling(every: 0)
      off.append(try read(program, seconds: seconds) {})
      try instance.setSampling(every: 1)
      _ = try samples.drain()
      listened.append(try read(program, seconds: seconds) { _ = try samples.drain() })
      try fill()
      unheard.append(try read(program, seconds: seconds) {})
    }
    guard listened.contains(where: { $0.samples > 0 }) else {
      throw DatapathError(
        .noAnswer, "no decision of \(instance) was sampled",
        remedy: "run a flow that the path limits, for longer"
      )
    }
    return Report(
      off: Self.figure(off, against: off), listened: Self.figure(listened, against: off),
      unheard: Self.figure(unheard, against: off), rounds: Self.rounds)
  }

  /// Waits until the ring is full, so that every sample after it is dropped.
  private func fill() throws {
    let shared = try instance.pinned().shared()
    let before = try shared.total().samples_dropped
    let deadline = Date().addingTimeInterval(Self.patience)
    while try shared.total().samples_dropped == before {
      guard Date() < deadline else {
        throw DatapathError(
          .noAnswer, "the ring of \(instance) did not fill in \(Self.patience) s",
          remedy: "attach with a smaller --sample-buffer, or run more flows")
      }
      Thread.sleep(forTimeInterval: Self.interval / 10)
    }
  }

  private func read(_ program: BPFProgram, seconds: Double, _ tick: () throws -> Void) throws -> Reading {
    let shared = try instance.pinned().shared()
    let (before, counted) = (try program.facts(), try shared.total())
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
      Thread.sleep(forTimeInterval: Self.interval)
      try tick()
    }
    let (after, total) = (try program.facts(), try shared.total())
    let reading = Reading(
      nanoseconds: after.runNanoseconds &- before.runNanoseconds, runs: after.runs &- before.runs,
      samples: total.samples &- counted.samples, dropped: total.samples_dropped &- counted.samples_dropped)
    guard reading.runs > 0 else {
      throw DatapathError(.noAnswer, "no ACK came to \(instance) in \(seconds) s", remedy: "run a flow on it")
    }
    return reading
  }

  private static func figure(_ readings: [Reading], against off: [Reading]) -> Figure {
    Figure(
      nanosecondsPerACK: median(readings.map(\.mean)),
      ratio: median(zip(readings, off).map { $0.mean / max($1.mean, 1) }),
      acknowledgements: readings.reduce(0) { $0 &+ $1.runs },
      samples: readings.reduce(0) { $0 &+ $1.samples },
      dropped: readings.reduce(0) { $0 &+ $1.dropped })
  }

  static func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
