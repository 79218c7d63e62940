import CMedullaABI
import MedullaDatapath

/// What an operator sets for a congestion control, beside what every instance has.
package struct CongestionConfiguration: Sendable {
  /// Aurora's inputs, three features of each of the last ten monitor intervals; and all that there are, with
  /// those of a longer past.
  package static let recentFeatureCount = Int(MCC_RECENT)
  package static let featureCount = Int(MCC_FEATURES)
  /// A network gives an action, and may give a verdict on rivals.
  package static let sizes = NetworkSizes(oneOf: [recentFeatureCount, featureCount], [1, 2])

  /// Bounds, monitor interval and guard, as the kernel's programs read them.
  package var controller: mcc_config

  /// The defaults of the controller.
  package init() {
    var controller = mcc_config()
    mcc_default_config(&controller)
    self.controller = controller
  }

  /// - Throws: `badConfiguration` with the value that is out of range.
  package func validate() throws(DatapathError) {
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
    guard [MCC_ECN_CLASSIC, MCC_ECN_ACCURATE].contains(where: { config.ecn == $0.rawValue }) else {
      throw bad("the meaning of marks, \(config.ecn), is neither classic nor accurate")
    }
    guard config.rtt_floor_us > 0 else { throw bad("the round-trip floor is 0") }
  }

  private func bad(_ message: String) -> DatapathError {
    DatapathError(.badConfiguration, message, remedy: "see `medulla attach congestion --help` for the ranges")
  }
}
