/// The paper's classes of flows by their bytes (Figure 16).
enum SizeClass: String, CaseIterable {
  case short
  case middle
  case long

  static func of(bytes: Int) -> SizeClass { bytes < 10_000 ? .short : bytes <= 100_000 ? .middle : .long }

  /// Completion times, over real links and in the simulated fabric.
  var milliseconds: PercentileMetrics { .init("\(rawValue)_ms", "\(rawValue) flows", "ms") }
  var microseconds: PercentileMetrics { .init("\(rawValue)_us", "\(rawValue) flows", "µs", places: 1) }
  /// Over the time alone.
  var slowdown: PercentileMetrics { .init("\(rawValue)_slowdown", "\(rawValue) flows, slowdown", "") }
}
