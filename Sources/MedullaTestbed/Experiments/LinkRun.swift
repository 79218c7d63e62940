/// What one congestion control did on one link. Rates are of payload, in Mbit/s; times in milliseconds.
public struct LinkRun: Codable, Equatable, Sendable {
  public var cell: LinkCell
  public var congestion: String
  public var seconds: Int
  public var warmUpSeconds: Int
  public var seed: UInt64
  /// The most goodput that the link can give (1,448 of each 1,500 bytes).
  public var capacityMbps: Double
  public var goodputMbps: Double
  /// Goodput over capacity.
  public var share: Double
  /// Wait in the bottleneck's queue, over segments, as the link recorded it.
  public var queueingDelayMeanMs: Double
  public var queueingDelayP95Ms: Double
  /// TCP's smoothed round-trip time.
  public var rttMeanMs: Double
  public var rttP95Ms: Double
  public var retransmits: Int
  /// Segments that the buffer refused, and that the random loss took, after the warm-up.
  public var dropped: Int
  public var lost: Int
  public var flowGoodputMbps: [Double]
  public var jain: Double
  /// The emulator was late too often for exact figures.
  public var fellBehind: Bool
  /// Packets that the devices dropped beside the emulated buffer; anything but 0 spoils the run.
  public var deviceDrops: Int
  /// 2 when the emulator fell behind in a first run, whose figures are not kept.
  public var attempts = 1
}

extension LinkRun {
  /// Runs one flow, or several equal ones, over a new link.
  public static func measure(
    _ cell: LinkCell, congestion: String, seconds: Int, warmUp: Int, seed: UInt64,
    executable: String = LinkEmulator.ownExecutable
  ) throws -> LinkRun {
    try LinkEmulator.with(cell.link(seed: seed), executable: executable) { link in
      let transfer = try Transfer(
        .init(congestion: congestion, flows: cell.flows, seconds: seconds), over: link)
      try Interruption.sleep(.seconds(warmUp))
      try link.beginWindow()
      try Interruption.sleep(.seconds(seconds - warmUp))
      try link.beginWindow()
      let result = try transfer.finish()
      let deviceDrops = try link.deviceDrops()
      return try LinkRun(
        cell, result, link.stop(), seconds: seconds, warmUp: warmUp, seed: seed, deviceDrops: deviceDrops)
    }
  }

  /// A run; when the emulator fell behind in it, another one in its place, once.
  static func steadied(_ measure: () throws -> LinkRun) rethrows -> LinkRun {
    let first = try measure()
    guard first.fellBehind else { return first }
    var second = try measure()
    second.attempts = 2
    return second
  }

  /// Reads the figures after the warm-up: goodput and round trips from iperf3, the queue from the link.
  init(
    _ cell: LinkCell, _ result: TransferResult, _ report: LinkReport, seconds: Int, warmUp: Int,
    seed: UInt64, deviceDrops: Int
  ) throws {
    // Windows: warm-up, measurement, the end.
    guard report.forward.windows.count == 3 else {
      throw TestbedError(
        .linkFailed, "The link recorded \(report.forward.windows.count) windows instead of 3.",
        remedy: "Run again; report this if it comes back.")
    }
    let window = report.forward.windows[1]
    let (start, end) = (Double(warmUp), Double(seconds))
    let roundTrips = result.roundTrips(from: start)
    let flows = result.flows.map { $0.goodput(from: start, to: end) / 1e6 }
    let goodput = flows.reduce(0, +)
    self.init(
      cell: cell, congestion: result.congestion, seconds: seconds, warmUpSeconds: warmUp, seed: seed,
      capacityMbps: cell.capacityMbps, goodputMbps: goodput, share: goodput / cell.capacityMbps,
      queueingDelayMeanMs: window.queueingDelay.meanMilliseconds,
      queueingDelayP95Ms: window.queueingDelay.p95Milliseconds, rttMeanMs: Statistics.mean(roundTrips),
      rttP95Ms: Statistics.quantile(roundTrips, 0.95), retransmits: result.retransmits,
      dropped: window.droppedSegments, lost: window.lostSegments, flowGoodputMbps: flows,
      jain: Statistics.jain(flows), fellBehind: window.fellBehind, deviceDrops: deviceDrops)
  }

  /// One line for the terminal.
  public var line: String {
    "\(congestion.padding(8)) \(cell.label.padding(42)) "
      + "goodput \(decimal(goodputMbps, 1)) Mbit/s (\(decimal(share * 100, 1))%), "
      + "queue \(decimal(queueingDelayMeanMs, 1)) ms mean \(decimal(queueingDelayP95Ms, 1)) p95, "
      + "\(retransmits) retransmitted" + (cell.flows > 1 ? ", Jain \(decimal(jain, 3))" : "")
      + (attempts > 1 ? ", second attempt" : "") + (fellBehind ? ", emulator fell behind" : "")
  }
}

extension String {
  /// The text with spaces up to `width` characters.
  func padding(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

  /// The text with spaces before it up to `width` characters.
  func indenting(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
