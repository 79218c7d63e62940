/// Means and covariances of a linear layer's integer inputs over calibration, which say how weight errors
/// show in its sums.
struct InputMoments {
  let terms: Int
  let means: [Double]
  /// `terms × terms`; empty when the layer is too wide for error compensation.
  let covariance: [Double]

  /// Beyond this many terms weights are rounded to nearest: the work grows with the square.
  static let widestCompensated = 256

  /// - Parameter rows: input vectors of the layer, `terms` values each, one after another.
  init(rows: [Double], terms: Int, withCovariance: Bool) {
    self.terms = terms
    let count = terms > 0 ? rows.count / terms : 0
    var means = [Double](repeating: 0, count: terms)
    rows.withUnsafeBufferPointer { rows in
      for row in 0..<count {
        for term in 0..<terms { means[term] += rows[row * terms + term] }
      }
    }
    for term in 0..<terms { means[term] /= Double(max(count, 1)) }
    self.means = means
    guard withCovariance, terms <= Self.widestCompensated, count > 1 else {
      covariance = []
      return
    }
    covariance = Self.covariance(rows, count: count, means: means)
  }

  private static func covariance(_ rows: [Double], count: Int, means: [Double]) -> [Double] {
    let terms = means.count
    var matrix = [Double](repeating: 0, count: terms * terms)
    var centered = [Double](repeating: 0, count: terms)
    matrix.withUnsafeMutableBufferPointer { matrix in
      centered.withUnsafeMutableBufferPointer { centered in
        rows.withUnsafeBufferPointer { rows in
          for row in 0..<count {
            for term in 0..<terms { centered[term] = rows[row * terms + term] - means[term] }
            for a in 0..<terms {
              let value = centered[a]
              if value == 0 { continue }
              for b in 0...a { matrix[a * terms + b] += value * centered[b] }
            }
          }
        }
      }
      for a in 0..<terms {
        for b in 0...a {
          let value = matrix[a * terms + b] / Double(count)
          matrix[a * terms + b] = value
          matrix[b * terms + a] = value
        }
      }
    }
    return matrix
  }
}
