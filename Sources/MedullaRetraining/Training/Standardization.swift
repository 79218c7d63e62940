import MedullaLearning
import MedullaModel
import MedullaSnapshot

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Brings inputs to mean 0 and deviation 1 by statistics of the past only, and cuts what lies far outside.
///
/// The statistics are those of the rows that the first network was trained on, and stay: later rows cannot
/// leak into earlier decisions, and the memory's rows keep their meaning.
package struct Standardization: Sendable, Equatable, Codable {
  package let means: [Float]
  package let deviations: [Float]
  /// Standardized values lie in ±clip.
  package let clip: Float

  /// A feature that moved less counts as if it had moved so much.
  package static let leastDeviation: Float = 0.1

  /// - Parameter rows: of the past, all of one width, at least one.
  package init(_ rows: [[Float]], clip: Float = 4) {
    let count = Double(max(rows.count, 1))
    let width = rows.first?.count ?? 0
    let means = (0..<width).map { place in rows.reduce(0) { $0 + Double($1[place]) } / count }
    self.means = means.map { Float($0) }
    deviations = (0..<width).map { place in
      let squares = rows.reduce(0) { sum, row in
        sum + (Double(row[place]) - means[place]) * (Double(row[place]) - means[place])
      }
      return max(Float((squares / count).squareRoot()), Self.leastDeviation)
    }
    self.clip = clip
  }

  /// sign(x) · ln(1 + |x|): what ranges over decades, also below 0; not a number counts as 0.
  package static func compressed(_ value: Double) -> Float {
    guard value.isFinite else { return value.isNaN ? 0 : compressed(value > 0 ? 1e30 : -1e30) }
    return Float(value < 0 ? -log1p(-value) : log1p(value))
  }

  package func apply(_ row: [Float]) -> [Float] {
    row.indices.map { place in
      min(max((row[place] - means[place]) / deviations[place], -clip), clip)
    }
  }

  /// The inputs beyond which `apply` cuts: ranges for the quantizer, whose entry cuts there too.
  package var ranges: [FeatureRange] {
    means.indices.map { place in
      let reach = Double(clip * deviations[place])
      return FeatureRange(low: Double(means[place]) - reach, high: Double(means[place]) + reach)
    }
  }

  /// The network that takes inputs as they are, but for the cut, which its integers' entry does.
  package func folded(into network: DenseNetwork) throws(RetrainingError) -> DenseNetwork {
    try withFirstLayer(of: network) { input, weight, bias in
      weight /= deviations[input]
      bias -= weight * means[input]
    }
  }

  /// The reverse of `folded`: the network that takes standardized inputs and answers as the given one does
  /// for inputs as they are, but for the cut.
  package func unfolded(from network: DenseNetwork) throws(RetrainingError) -> DenseNetwork {
    try withFirstLayer(of: network) { input, weight, bias in
      bias += weight * means[input]
      weight *= deviations[input]
    }
  }

  /// Changes each weight of the first layer, with the bias of the unit that it leads to.
  private func withFirstLayer(
    of network: DenseNetwork, _ change: (_ input: Int, _ weight: inout Float, _ bias: inout Float) -> Void
  ) throws(RetrainingError) -> DenseNetwork {
    guard network.inputs == means.count else {
      throw RetrainingError(
        .badRows, "statistics of \(means.count) features do not fit a network of \(network.inputs) inputs")
    }
    var network = network
    let outputs = network.widths[1]
    for input in 0..<network.inputs {
      for output in 0..<outputs {
        let (own, bias) = (input * outputs + output, network.inputs * outputs + output)
        var (weight, offset) = (network.parameters[own], network.parameters[bias])
        change(input, &weight, &offset)
        (network.parameters[own], network.parameters[bias]) = (weight, offset)
      }
    }
    return network
  }
}
