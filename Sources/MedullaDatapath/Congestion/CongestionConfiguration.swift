import CCongestion

/// What an operator sets for an instance of the congestion control.
public struct CongestionConfiguration: Sendable {
  /// Inputs of the network: three features of each of the last ten monitor intervals.
  public static let featureCount = Int(MCC_HISTORY) * Int(MCC_FEATURES_PER_INTERVAL)

  /// Bounds, monitor interval and guard, as the kernel's programs read them.
  public var controller: mcc_config
  /// How long flows may stay on a snapshot that is no longer active; nil: as long as they live.
  public var drainLimit: Duration?
  /// Takes the time of each inference in the kernel; costs two clock reads.
  public var measures: Bool
  /// Every n-th decision of a flow goes up as a sample; 0: none.
  public var sampleEvery: Int
  /// Bytes of the ring that samples wait in.
  public var sampleBytes: Int
  /// Whether a flow keeps its snapshot for its life.
  public var isConsistent: Bool

  /// The defaults of the controller.
  public init(
    drainLimit: Duration? = nil, measures: Bool = false, sampleEvery: Int = 0,
    sampleBytes: Int = SampleBuffer.defaultBytes, isConsistent: Bool = true
  ) {
    var controller = mcc_config()
    mcc_default_config(&controller)
    self.controller = controller
    self.drainLimit = drainLimit
    self.measures = measures
    self.sampleEvery = sampleEvery
    self.sampleBytes = sampleBytes
    self.isConsistent = isConsistent
  }

  /// - Throws: `badConfiguration` with the value that is out of range.
  public func validate() throws(DatapathError) {
    let config = controller
    guard config.rate_min > 0, config.rate_min <= config.rate_max else {
      throw bad("the lowest rate, \(config.rate_min) B/s, is 0 or above the highest, \(config.rate_max) B/s")
    }
    guard config.rate_max <= UInt64(MCC_RATE_CEILING) else {
      throw bad("the highest rate, \(config.rate_max) B/s, is above 100 Gb/s")
    }
    guard config.interval_fraction_q8 <= 16 << 8 else {
      throw bad("the interval is longer than 16 round trips")
    }
    guard config.window_gain_q8 >= 1 << 7, config.window_gain_q8 <= 64 << 8 else {
      throw bad("the window is not between half and 64 bandwidth-delay products")
    }
    guard config.action_limit_q16 > 0 else { throw bad("an action limit of 0 would fix the rate") }
    guard config.rtt_floor_us > 0 else { throw bad("the round-trip floor is 0") }
    if let drainLimit, drainLimit < .seconds(1) { throw bad("a drain limit under a second") }
    _ = try Sampling.every(sampleEvery)
    _ = try SampleBuffer.entries(bytes: sampleBytes)
  }

  var drainLimitNanoseconds: UInt64 { Self.nanoseconds(drainLimit) }

  /// 0: no limit.
  static func nanoseconds(_ limit: Duration?) -> UInt64 {
    guard let limit else { return 0 }
    let parts = limit.components
    let (whole, overflow) = UInt64(max(parts.seconds, 0)).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : whole &+ UInt64(max(parts.attoseconds, 0) / 1_000_000_000)
  }

  private func bad(_ message: String) -> DatapathError {
    DatapathError(.badConfiguration, message, remedy: "see `medulla attach congestion --help` for the ranges")
  }
}
