#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Tail probabilities of Student's distribution.
enum StudentTail {
  /// P(T > t) of Student's distribution: half the regularized incomplete beta function of
  /// ν/(ν + t²) for ν/2 and 1/2 (Abramowitz and Stegun, 26.7.1).
  static func probability(above t: Double, freedom: Double) -> Double {
    let half = incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return t > 0 ? half : 1 - half
  }

  /// The regularized incomplete beta function by its continued fraction (Abramowitz and Stegun, 26.5.8),
  /// evaluated by Lentz's method.
  static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
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
    for step in 1...Self.steps {
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
