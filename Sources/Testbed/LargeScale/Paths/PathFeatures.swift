import Foundation
import MedullaSnapshot

/// What a sending host knows of its paths, as a network of paths is told: six features of each, by its own
/// flows alone, as the path function has them.
///
/// | feature | of path i, from 1 |
/// | --- | --- |
/// | `path_rtt_i` | smoothed round trip in µs (1/8 of each sample); 0 before the first |
/// | `path_marks_i` | of delivered segments, those with a congestion mark, in parts per million |
/// | `path_losses_i` | of sent segments, those sent again, in parts per million |
/// | `path_age_i` | µs since something was last heard of it, at most a second |
/// | `path_flows_i` | flows placed on it that have not ended |
/// | `path_bytes_i` | bytes sent on it, fading with 10 ms |
package enum PathFeatures {
  package static let names = ["rtt", "marks", "losses", "age", "flows", "bytes"]
  /// The most that each can be, or is taken for, as log2(1 + x).
  static let mostBits = [20.0, 20, 20, 20, 10, 30]

  /// The inputs of a network of `paths` paths, path after path.
  package static func inputs(paths: Int, names: [String] = names) -> [InputFeature] {
    (1...max(1, paths)).flatMap { path in
      names.map { InputFeature(name: "path_\($0)_\(path)", scale: .log2) }
    }
  }

  /// So that a value which training has not met, such as a first loss, is not cut to what it has.
  static func ranges(paths: Int, names own: [String] = names) -> [FeatureRange] {
    let most = Dictionary(uniqueKeysWithValues: zip(names, mostBits))
    return (0..<paths).flatMap { _ in own.map { FeatureRange(low: 0, high: most[$0] ?? 20) } }
  }
}

/// The cost of a path to a flow, in powers of two: what networks of paths predict and choices make small.
package enum PathCost {
  /// Of a flow all of whose segments were sent again.
  static let lossPenalty = 16.0
  /// Costs that are no further apart count as the same; the hash chooses among such paths.
  package static let margin = 0.25

  package static func bits(meanRoundTrip microseconds: Double, againShare: Double) -> Double {
    log2(1 + microseconds) + lossPenalty * againShare
  }

  /// The margin in a network's fixed point.
  package static func margin(fractionBits: Int) -> Int64 {
    Int64((margin * Double(1 << fractionBits)).rounded())
  }
}
