/// What one scheme did over all conditions.
public struct AdaptationRun: Codable, Equatable, Sendable {
  /// One condition's interval.
  public struct Interval: Codable, Equatable, Sendable {
    public var condition: LinkCondition
    /// Payload that the receiving program read a second, over the measured part and over the whole.
    public var goodputMbps: Double
    public var wholeGoodputMbps: Double
    /// Of what the loss and the background leave.
    public var share: Double
    /// Wait of a segment in the bottleneck, over the whole interval.
    public var queueingDelayMeanMs: Double
    public var dropped: Int
    public var lost: Int
    /// Packets of background traffic that arrived, and were sent.
    public var backgroundReceived: Int
    public var backgroundSent: Int
    public var fellBehind: Bool
    /// Seconds after its beginning until the mean over 5 s first reached 95% of what the trained network has
    /// at the interval's end; nil: never, or nothing to compare with.
    public var recoverySeconds: Double?
  }

  /// A time of the run and the version of the snapshot that became active then.
  public struct Activation: Codable, Equatable, Sendable {
    public var time: Double
    public var version: UInt64
  }

  public var scheme: AdaptationScheme
  public var repetition: Int
  public var intervals: [Interval]
  public var activations: [Activation]
  /// Mbit/s that the receiving program read, by half seconds.
  public var goodput: [TimedValue]

  public var lines: [String] {
    intervals.map { interval in
      "\(scheme.rawValue.padding(9)) \(interval.condition.label.padding(60)) "
        + "goodput \(decimal(interval.goodputMbps, 2)) Mbit/s (\(decimal(interval.share * 100, 1))%), "
        + "queue \(decimal(interval.queueingDelayMeanMs, 1)) ms"
    } + ["\(scheme.rawValue.padding(9)) \(max(0, activations.count - 1)) snapshots put in"]
  }
}

extension AdaptationRun {
  /// Seconds from the interval's beginning until the goodput, averaged over the last `window` points, first
  /// reaches `level`; nil when it never does. What was under way before the change is not in the average.
  static func recovery(
    _ goodput: [TimedValue], in interval: ClosedRange<Double>, level: Double, window: Int = 10
  ) -> Double? {
    let points = goodput.filter { $0.time > interval.lowerBound && $0.time <= interval.upperBound }
    guard points.count >= window else { return nil }
    return (window - 1..<points.count)
      .first { Statistics.mean(points[($0 - window + 1)...$0].map(\.value)) >= level }
      .map { points[$0].time - interval.lowerBound }
  }
}
