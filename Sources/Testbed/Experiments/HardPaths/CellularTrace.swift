import Foundation
import MedullaBase
import TestbedLink

/// A cellular link by the model of Winstein, Sivaraman and Balakrishnan ("Stochastic Forecasts Achieve High
/// Throughput and Low Delay over Cellular Networks", NSDI 2013, §3.1): packets are delivered as a Poisson
/// process whose rate wanders, as a Brownian motion of 200 packets/s/√s between 0 and 1,000 packets/s, and an
/// outage, once the rate is 0, ends at a rate of 1/s.
enum CellularTrace {
  static let most = 1000.0
  private static let wandering = 200.0
  private static let outageEnds = 1.0
  /// The model's tick.
  private static let tickMilliseconds = 20

  /// Rates of each tick in packets a second, from the middle on.
  static func rates(seconds: Int, seed: UInt64) -> [Double] {
    var random = SeededGenerator(seed: seed)
    let tick = Double(tickMilliseconds) / 1000
    var rate = most / 2
    return (0..<seconds * 1000 / tickMilliseconds).map { _ in
      // The sum of twelve uniform draws less six is close to a normal draw.
      let normal = (0..<12).reduce(-6.0) { sum, _ in sum + random.unit() }
      let staysOut = rate == 0 && random.unit() < exp(-outageEnds * tick)
      if !staysOut { rate = min(max(rate + wandering * tick.squareRoot() * normal, 0), most) }
      return rate
    }
  }

  static func trace(seconds: Int, seed: UInt64) throws -> DeliveryTrace {
    var random = SeededGenerator(seed: ~seed)
    var opportunities: [UInt32] = []
    for (tick, rate) in rates(seconds: seconds, seed: seed).enumerated() {
      for millisecond in 0..<tickMilliseconds {
        let count = poisson(rate / 1000, &random)
        opportunities += repeatElement(UInt32(tick * tickMilliseconds + millisecond), count: count)
      }
    }
    return try DeliveryTrace(name: "cellular", opportunities: opportunities)
  }

  /// Most packets of one millisecond; more come less than once in 10¹⁷ milliseconds at the highest rate.
  private static let mostAtOnce = 20

  /// By the gaps of the process (Knuth): `mean` is at most 1.
  private static func poisson(_ mean: Double, _ random: inout SeededGenerator) -> Int {
    var (count, product) = (0, random.unit())
    while product > exp(-mean), count < mostAtOnce {
      count += 1
      product *= random.unit()
    }
    return count
  }
}
