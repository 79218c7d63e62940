#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A normal distribution of one action around a network's output, with a deviation that is learned too.
public struct GaussianPolicy: Sendable, Equatable, Codable {
  public var mean: DenseNetwork
  public var logDeviation: Float

  public init(mean: DenseNetwork, logDeviation: Float) {
    self.mean = mean
    self.logDeviation = logDeviation
  }

  /// log density of `action`.
  public static func logProbability(action: Float, mean: Float, logDeviation: Float) -> Float {
    let z = (action - mean) * expf(-logDeviation)
    return -0.5 * z * z - logDeviation - 0.918_938_533
  }
}
