#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Student's distribution, for any degrees of freedom above 0.
package struct StudentDistribution: Sendable {
  package let freedom: Double

  package init(freedom: Double) { self.freedom = freedom }

  /// P(T > t): half the regularized incomplete beta function of ν/(ν + t²) for ν/2 and 1/2 (Abramowitz and
  /// Stegun, Handbook of Mathematical Functions, 26.7.1).
  package func probability(above t: Double) -> Double {
    guard t.isFinite else { return t > 0 ? 0 : 1 }
    let half = Self.incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return t > 0 ? half : 1 - half
  }

  /// The value that is exceeded with a probability between 0 and 1/2.
  package func quantile(above probability: Double) -> Double {
    var (low, high) = (0.0, 1.0)
    while self.probability(above: high) > probability, high < Self.most { (low, high) = (high, 2 * high) }
    for _ in 0..<Self.halvings {
      let middle = (low + high) / 2
      if self.probability(above: middle) > probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// Beyond any value that is asked for: of one degree of freedom it is exceeded once in 10¹².
  private static let most = 1e12
  /// As many as a double has bits, and some.
  private static let halvings = 80

  /// By its continued fraction (Abramowitz and Stegun, 26.5.8), evaluated by Lentz's method.
  package static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    // The fraction converges fast below the mean; above it the symmetric form does.
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let gammas: Double = lgamma(a + b) - lgamma(a) - lgamma(b)
    let powers: Double = a * log(x) + b * log(1 - x)
    let front: Double = exp(gammas + powers) / a
    let tiny = 1e-300
    var c = 1.0
    var d = 1 - (a + b) * x / (a + 1)
    d = 1 / (abs(d) < tiny ? tiny : d)
    var fraction = d
    for step in 1...steps {
      let m = Double(step)
      let place: Double = a + 2 * m
      let even: Double = m * (b - m) * x / ((place - 1) * place)
      let odd: Double = -(a + m) * (a + b + m) * x / (place * (place + 1))
      for coefficient in [even, odd] {
        d = 1 + coefficient * d
        d = 1 / (abs(d) < tiny ? tiny : d)
        c = 1 + coefficient / c
        if abs(c) < tiny { c = tiny }
        fraction *= c * d
      }
      if abs(c * d - 1) < 1e-14 { break }
    }
    return front * fraction
  }

  /// Far more than the fraction needs at any degree of freedom that occurs.
  private static let steps = 500
}
