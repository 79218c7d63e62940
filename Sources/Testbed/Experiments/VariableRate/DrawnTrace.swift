import Foundation
import MedullaBase
import TestbedLink

/// Traces that are made, not recorded: a link's rate over time, as delivery opportunities.
enum DrawnTrace: String, CaseIterable {
  /// 24 and 6 Mbit/s, five seconds each.
  case steps
  /// From 4 to 40 Mbit/s in ten seconds, again and again.
  case sawtooth
  /// 1 to 48 Mbit/s; each 100 ms a factor from a log-normal distribution.
  case walk

  /// Rates of each 100 ms, in Mbit/s.
  private func rates(seconds: Int, seed: UInt64) -> [Double] {
    var random = SeededGenerator(seed: seed)
    var rate = 12.0
    return (0..<seconds * 10).map { index in
      switch self {
      case .steps: return (index / 50) % 2 == 0 ? 24 : 6
      case .sawtooth: return 4 + 36 * Double(index % 100) / 100
      case .walk:
        // The sum of twelve uniform draws less six is close to a normal draw.
        let normal = (0..<12).reduce(-6.0) { sum, _ in sum + random.unit() }
        rate = min(max(rate * exp(0.2 * normal), 1), 48)
        return rate
      }
    }
  }

  func trace(seconds: Int, seed: UInt64) throws -> DeliveryTrace {
    var opportunities: [UInt32] = []
    var credit = 0.0
    let rates = rates(seconds: seconds, seed: seed)
    for millisecond in 0..<seconds * 1000 {
      credit += rates[millisecond / 100] * 1e3 / 8 / Double(LinkCell.packetBytes)
      while credit >= 1 {
        credit -= 1
        opportunities.append(UInt32(millisecond))
      }
    }
    return try DeliveryTrace(name: rawValue, opportunities: opportunities)
  }
}

extension DeliveryTrace {
  /// Payload of full packets that the trace can deliver between two times since its start, in Mbit/s.
  func capacityMbps(from start: Double, to end: Double) -> Double {
    let period = Double(periodNanoseconds) / 1e9
    guard end > start, period > 0, end / period < 1e6 else { return 0 }
    func until(_ time: Double) -> Double {
      let turns = (time / period).rounded(.down)
      let rest = (time - turns * period) * 1000
      var (low, high) = (0, opportunities.count)
      while low < high {
        let middle = (low + high) / 2
        if Double(opportunities[middle]) < rest { low = middle + 1 } else { high = middle }
      }
      return turns * Double(opportunities.count) + Double(low)
    }
    return (until(end) - until(start)) * LinkCell.payloadBytes * 8 / (end - start) / 1e6
  }
}
