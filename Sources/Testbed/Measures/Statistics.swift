/// Small statistics of measured values.
package enum Statistics {
  /// Arithmetic mean; 0 of nothing.
  package static func mean(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }

  /// The value below which `fraction` of the values lie, linear between ranks (Hyndman and Fan's type 7);
  /// 0 of nothing.
  package static func quantile(_ values: [Double], _ fraction: Double) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let rank = min(max(fraction, 0), 1) * Double(sorted.count - 1)
    let low = Int(rank)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (sorted[high] - sorted[low]) * (rank - Double(low))
  }

  /// Jain's fairness index, (Σx)² / (n·Σx²): 1 when all are equal, 1/n when one has everything; 1 of
  /// nothing.
  package static func jain(_ shares: [Double]) -> Double {
    let squares = shares.reduce(0) { $0 + $1 * $1 }
    guard squares > 0 else { return 1 }
    let sum = shares.reduce(0, +)
    return sum * sum / (Double(shares.count) * squares)
  }
}
