import MedullaBase

/// Means and covariances of a linear layer's integer inputs over calibration, which say how weight errors
/// show in its sums.
///
/// Input vectors are made one at a time from the tensors before the layer and never kept: the windows of one
/// convolution of a large network would fill terabytes. Means are of all of them, exactly; covariances of as
/// many as `covarianceWork` allows.
struct InputMoments {
  let terms: Int
  let means: [Double]
  /// `terms × terms`; empty when the layer is too wide for error compensation.
  let covariance: [Double]

  /// Beyond this many terms weights are rounded to nearest: the work grows with the square.
  static let widestCompensated = 256
  /// Input vectors times squared terms that a covariance is made of.
  static let covarianceWork = 1 << 32
  /// Vectors that a covariance is made of, however narrow.
  static let covarianceRows = 1 << 18

  init(_ rows: some InputRows, withCovariance: Bool) {
    terms = rows.terms
    let count = rows.count
    means = rows.sums().map { $0 / Double(max(count, 1)) }
    guard withCovariance, terms <= Self.widestCompensated, count > 1 else {
      covariance = []
      return
    }
    covariance = Self.covariance(rows, means: means)
  }

  private static func covariance(_ rows: some InputRows, means: [Double]) -> [Double] {
    let terms = means.count
    let limit = min(covarianceRows, max(covarianceWork / (terms * terms), 2))
    let chosen = StratifiedSample(of: rows.count, limit: limit)
    var matrix = [Double](repeating: 0, count: terms * terms)
    var centered = [Double](repeating: 0, count: terms)
    matrix.withUnsafeMutableBufferPointer { matrix in
      centered.withUnsafeMutableBufferPointer { centered in
        for index in chosen {
          rows.read(index, into: centered)
          for term in 0..<terms { centered[term] -= means[term] }
          for a in 0..<terms {
            let value = centered[a]
            if value == 0 { continue }
            for b in 0...a { matrix[a * terms + b] += value * centered[b] }
          }
        }
      }
      for a in 0..<terms {
        for b in 0...a {
          let value = matrix[a * terms + b] / Double(chosen.count)
          matrix[a * terms + b] = value
          matrix[b * terms + a] = value
        }
      }
    }
    return matrix
  }
}

/// All indices of a long series when they are few enough, else one from each of equal stretches.
///
/// Drawn by a generator of its own, so that a period of the series, such as the width of an image, does not
/// meet that of the stretches. The same numbers give the same sample.
struct StratifiedSample: Sequence {
  let population: Int
  private let stretch: Int

  private static let seed: UInt64 = 0x4D45_4455_4C4C_4101

  init(of population: Int, limit: Int) {
    self.population = population
    stretch = Swift.max(1, (population + limit - 1) / Swift.max(limit, 1))
  }

  /// How many indices are drawn.
  var count: Int { (population + stretch - 1) / stretch }

  func makeIterator() -> AnyIterator<Int> {
    var generator = SeededGenerator(seed: Self.seed)
    var start = 0
    let (stretch, population) = (stretch, population)
    return AnyIterator {
      guard start < population else { return nil }
      let length = Swift.min(stretch, population - start)
      let index = start + (length > 1 ? Int(generator.unit() * Double(length)) : 0)
      start += length
      return index
    }
  }
}
