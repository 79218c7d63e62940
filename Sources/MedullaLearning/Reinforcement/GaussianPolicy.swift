#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A normal distribution of one action around a network's output, with a deviation that is learned too.
package struct GaussianPolicy: Sendable, Equatable, Codable {
  package var mean: DenseNetwork
  package var logDeviation: Float

  package init(mean: DenseNetwork, logDeviation: Float) {
    self.mean = mean
    self.logDeviation = logDeviation
  }

  /// log density of `action`.
  package static func logProbability(action: Float, mean: Float, logDeviation: Float) -> Float {
    let z = (action - mean) * expf(-logDeviation)
    return -0.5 * z * z - logDeviation - 0.918_938_533
  }
}
