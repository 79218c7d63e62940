import Foundation
import TestbedLink

/// Sizes of flows, as a cumulative distribution that is linear between its points.
package struct FabricSizeDistribution: Codable, Equatable, Sendable {
  package struct Point: Codable, Equatable, Sendable {
    package var bytes: Double
    package var probability: Double

    package init(bytes: Double, probability: Double) {
      self.bytes = bytes
      self.probability = probability
    }
  }

  /// A flow has at least this many bytes, whatever the distribution's lower end.
  package static let leastBytes = 200
  static let mostPoints = 10_000
  static let mostBytes = 4e9

  package let points: [Point]

  /// - Throws: `badParameter` when the points are no distribution: fewer than two, not ascending, or not from
  ///   probability 0 to 1.
  package init(name: String, points: [Point]) throws {
    let ascending = zip(points, points.dropFirst()).allSatisfy {
      $0.bytes < $1.bytes && $0.probability <= $1.probability
    }
    guard (2...Self.mostPoints).contains(points.count), ascending,
      points.allSatisfy({ $0.bytes.isFinite && $0.probability.isFinite }),
      let first = points.first, let last = points.last, first.bytes >= 0, first.probability == 0,
      last.bytes <= Self.mostBytes, last.probability == 1
    else {
      throw TestbedError(
        .badParameter, "The flow sizes `\(name)` are no cumulative distribution.",
        remedy: "Give ascending sizes up to \(Int(Self.mostBytes)) bytes, with probabilities from 0 to 1.")
    }
    self.points = points
  }

  private struct File: Decodable {
    let name: String
    let cdf: [[Double]]
  }

  /// Reads JSON with a `name` and a `cdf` of [bytes, probability] pairs.
  package init(contentsOf path: String) throws {
    let file: File
    do {
      file = try JSONDecoder().decode(File.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw TestbedError(
        .fileFailed, "Cannot read flow sizes from \(path): \(error)",
        remedy: "Give a JSON file with a name and a cdf of [bytes, probability] pairs.")
    }
    guard file.cdf.allSatisfy({ $0.count == 2 }) else {
      throw TestbedError(
        .fileFailed, "A point of the cdf in \(path) is no pair.", remedy: "Give [bytes, probability] pairs.")
    }
    try self.init(name: file.name, points: file.cdf.map { Point(bytes: $0[0], probability: $0[1]) })
  }

  package var mean: Double {
    zip(points, points.dropFirst()).reduce(0) {
      $0 + ($1.0.bytes + $1.1.bytes) / 2 * ($1.1.probability - $1.0.probability)
    }
  }

  /// The size that a part `probability` of the flows does not exceed.
  package func quantile(_ probability: Double) -> Int {
    let wanted = min(max(probability, 0), 1)
    let upper = points.dropFirst().firstIndex { $0.probability >= wanted } ?? points.count - 1
    let (low, high) = (points[upper - 1], points[upper])
    let width = high.probability - low.probability
    let part = width > 0 ? (wanted - low.probability) / width : 1
    return max(Self.leastBytes, Int(low.bytes + part * (high.bytes - low.bytes)))
  }
}
