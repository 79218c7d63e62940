import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// A flow and a rival that share an emulated link: one begins, the other joins it, and the rival leaves.
struct RivalTrial: Sendable {
  var link: LinkCell
  var seed: UInt64
  /// Whether the rival is the one that joins.
  var isOwnFirst: Bool
  /// Seconds that the first is alone.
  var alone: Int
  /// Seconds of both, of which the first do not count.
  var together: Int
  var warmUp: Int
  /// Seconds after the rival has left.
  var after: Int

  static let own = Metric("own_mbps", "own goodput", "Mbit/s", places: 1)
  static let rival = Metric("rival_mbps", "rival's goodput", "Mbit/s", places: 1)
  /// Over half of the payload that the link can carry.
  static let ownShare = Metric("own_share", "own goodput over the fair part")
  static let rivalShare = Metric("rival_share", "rival's goodput over the fair part")
  static let small = Metric("queue_small_after_s", "from the rival's end to a small queue", "s", places: 1)
  static let ownSeries = "own_mbps"
  static let rivalSeries = "rival_mbps"

  /// A mean wait that counts as a small queue, in milliseconds: a quarter of the empty round trip, or 5 ms
  /// where that is less than what a host's own bursts make.
  static func smallQueue(rttMs: Double) -> Double { max(rttMs / 4, 5) }

  /// Width of the pieces of time over which the queue's wait is averaged.
  private static let pieceNanoseconds: UInt64 = 500_000_000

  /// - Parameters:
  ///   - congestion: of the own flow and of the rival.
  ///   - prepare: what the ends of the link need before the first flow.
  func run(
    _ congestion: (own: String, rival: String), executable: String,
    prepare: (LinkEmulator) throws -> Void = { _ in }
  ) throws -> Reading {
    try LinkEmulator.with(link.link(seed: seed), executable: executable) { emulator in
      try prepare(emulator)
      let order = isOwnFirst ? [congestion.own, congestion.rival] : [congestion.rival, congestion.own]
      let first = try BulkFlows(count: 1, congestion: order[0], fewAtOnce: true, over: emulator)
      defer { first.abort() }
      try Interruption.sleep(.seconds(alone))
      let second = try BulkFlows(
        count: 1, congestion: order[1], port: BulkFlows.port + 1, fewAtOnce: true, over: emulator)
      defer { second.abort() }
      let (own, rival) = isOwnFirst ? (first, second) : (second, first)
      try Interruption.sleep(.seconds(warmUp))
      try emulator.beginWindow()
      let counts = try Self.count(own, rival, seconds: together - warmUp)
      rival.abort()
      try emulator.beginWindow()
      try Interruption.sleep(.seconds(after))
      own.abort()
      let drops = try emulator.deviceDrops()
      return try reading(counts, try emulator.stop(), drops: drops)
    }
  }

  /// What both have received, looked at once a second: times in seconds, then bytes.
  private typealias Counts = [(time: Double, own: Int, rival: Int)]

  private static func count(_ own: BulkFlows, _ rival: BulkFlows, seconds: Int) throws -> Counts {
    let begin = ContinuousClock.now
    func look() -> (time: Double, own: Int, rival: Int) {
      (
        (ContinuousClock.now - begin).inSeconds, own.receivedBytes().reduce(0, +),
        rival.receivedBytes().reduce(0, +)
      )
    }
    var counts = [look()]
    for second in 1...max(seconds, 1) {
      try Interruption.sleep(.seconds(second) - (ContinuousClock.now - begin))
      counts.append(look())
    }
    return counts
  }

  private func reading(_ counts: Counts, _ report: LinkReport, drops: Int) throws -> Reading {
    guard let first = counts.first, let last = counts.last, last.time > first.time else { return Reading() }
    func mbps(_ bytes: Int, _ seconds: Double) -> Double { Double(bytes) * 8 / seconds / 1e6 }
    let (own, rival) = (
      mbps(last.own - first.own, last.time - first.time),
      mbps(last.rival - first.rival, last.time - first.time)
    )
    let window = try report.forward.measured()
    let fair = link.capacityMbps / 2
    var reading = Reading([
      Self.own: own, Self.rival: rival, Self.ownShare: own / fair, Self.rivalShare: rival / fair,
      FlowMetrics.dropped: Double(window.droppedSegments), BulkTrial.deviceDrops: Double(drops),
    ])
    reading.note(Percentiles(window.queueingDelay), FlowMetrics.queue)
    let pairs = zip(counts, counts.dropFirst())
    func series(_ bytes: (Counts.Element) -> Int) -> [Double] {
      pairs.map { (mbps(bytes($1) - bytes($0), $1.time - $0.time) * 10).rounded() / 10 }
    }
    reading.series = [Self.ownSeries: series(\.own), Self.rivalSeries: series(\.rival)]
    let path = report.forward
    reading[Self.small] =
      path.windows.last.map { path.bins(from: path.bins($0, of: report)) }
      .flatMap { $0.secondsUntil(wait: Self.smallQueue(rttMs: link.rttMilliseconds), Self.pieceNanoseconds) }
      ?? Double(after)
    if report.fellBehind { reading.faults.append(Reading.late) }
    reading.noteDrops(besideTheBuffer: drops)
    return reading
  }
}

extension PathReport {
  /// What each bin delivered and how long that waited.
  func bins(from range: Range<Int>) -> WaitBins {
    WaitBins(
      nanoseconds: bins.binNanoseconds, bytes: Array(bins.deliveredBytes[range]),
      milliseconds: Array(bins.meanDelayMilliseconds[range]))
  }
}

/// The waits in a queue over time.
struct WaitBins: Equatable {
  var nanoseconds: UInt64
  var bytes: [Int]
  var milliseconds: [Double]

  /// Of the pieces of time that are left, this share has to be small: a host that stalls once is no queue.
  private static let share = 0.9

  /// Seconds until the queue is small and stays so: until the first whole piece of time from which on nine
  /// in ten have packets that waited at most `wait` milliseconds in the mean; nil: there is none. The first
  /// piece that is small would not do: when one of two flows ends, less is on its way at once, and who fills
  /// queues fills it again. A link that delivers nothing has no small queue: whoever should fill it is
  /// silent.
  func secondsUntil(wait: Double, _ pieceNanoseconds: UInt64) -> Double? {
    let size = Int(max(pieceNanoseconds / max(nanoseconds, 1), 1))
    let ends = stride(from: size, through: min(bytes.count, milliseconds.count), by: size)
    let small = ends.map { end -> Bool in
      let piece = (end - size)..<end
      let delivered = piece.reduce(0) { $0 + bytes[$1] }
      let waited = piece.reduce(0.0) { $0 + Double(bytes[$1]) * milliseconds[$1] }
      return delivered > 0 && waited / Double(delivered) <= wait
    }
    let first = small.indices.first { index in
      let left = small[index...]
      return small[index] && Double(left.filter { $0 }.count) >= Self.share * Double(left.count)
    }
    return first.map { Double($0 * size) * Double(nanoseconds) / 1e9 }
  }
}
