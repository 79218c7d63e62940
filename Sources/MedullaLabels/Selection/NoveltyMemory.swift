import Foundation

/// The rows that were learned from, as far as it matters what is unlike them.
///
/// A flow is novel when its distance to the nearest row is above what is usual among the rows themselves: the
/// quantile of each row's distance to its nearest other one. Coordinates are `NoveltyScale`'s.
package struct NoveltyMemory: Sendable {
  private let scale: NoveltyScale
  private let rows: [[Float]]
  /// Above it a flow is novel.
  package let threshold: Float

  /// Rows that are compared with; of more, each so-and-so-many-th is taken. Their distances among each other
  /// are counted once for each memory: rows² · features multiplications.
  package static let rowLimit = 512
  /// Novel flows of one window that are compared with each other; of more, the most distant are.
  package static let novelLimit = 256

  /// - Parameters:
  ///   - rows: in the units of requests' features, all of one width.
  ///   - quantile: of the distances, 0 to 1.
  /// - Returns: nil for fewer than two rows, of which nothing is unlike.
  package init?(_ rows: [[Double]], quantile: Double = 0.9) {
    guard rows.count >= 2, let scale = NoveltyScale(rows) else { return nil }
    self.scale = scale
    let stride = (rows.count + Self.rowLimit - 1) / Self.rowLimit
    let kept = Swift.stride(from: 0, to: rows.count, by: stride).map { scale.coordinates(rows[$0]) }
    self.rows = kept
    let distances = kept.indices.map { index in
      kept.indices.reduce(Float.infinity) {
        $1 == index ? $0 : min($0, Self.squared(kept[index], kept[$1]))
      }
    }.sorted()
    let place = Int((Double(distances.count - 1) * min(max(quantile, 0), 1)).rounded())
    threshold = distances[place].squareRoot()
  }

  /// A flow's distance to the nearest row.
  package func distance(of features: [Double]) -> Float {
    nearest(scale.coordinates(features)).squareRoot()
  }

  /// Chooses novel flows so that few stand for many: each time the one that has the most novel flows, which
  /// no chosen one stands for yet, within the threshold's distance (greedy cover); of equal ones the most
  /// distant.
  ///
  /// - Returns: places in the window, at most `limit`; fewer when all novel flows are stood for.
  package func cover(_ window: [LabelRequest], limit: Int) -> [Int] {
    guard limit > 0 else { return [] }
    let points = window.map { scale.coordinates($0.features) }
    let bound = threshold * threshold
    var novel = points.indices.map { (index: $0, distance: nearest(points[$0])) }
      .filter { $0.distance > bound }
      .sorted { ($1.distance, $0.index) < ($0.distance, $1.index) }
    novel = Array(novel.prefix(Self.novelLimit))
    let near = novel.map { one in
      novel.indices.filter { Self.squared(points[one.index], points[novel[$0].index]) <= bound }
    }
    var isCovered = [Bool](repeating: false, count: novel.count)
    var chosen: [Int] = []
    while chosen.count < limit {
      var best: (place: Int, gain: Int)?
      for place in novel.indices where !isCovered[place] {
        let gain = near[place].count { !isCovered[$0] }
        if gain > best?.gain ?? 0 { best = (place, gain) }
      }
      guard let best else { break }
      chosen.append(novel[best.place].index)
      for place in near[best.place] { isCovered[place] = true }
      isCovered[best.place] = true
    }
    return chosen
  }

  /// Squared.
  private func nearest(_ point: [Float]) -> Float {
    rows.reduce(.infinity) { min($0, Self.squared(point, $1)) }
  }

  private static func squared(_ one: [Float], _ other: [Float]) -> Float {
    one.withUnsafeBufferPointer { one in
      other.withUnsafeBufferPointer { other in
        var sum: Float = 0
        for index in 0..<min(one.count, other.count) {
          let difference = one[index] - other[index]
          sum += difference * difference
        }
        return sum
      }
    }
  }
}

/// Coordinates in which distances between flows mean something: sign(x)·log(1 + |x|), since features range
/// over decades, less the rows' mean, by their deviation. Beyond ±4 only the logarithm goes on, so that no
/// one feature decides alone, and what is far is still told from what is farther.
package struct NoveltyScale: Sendable, Equatable {
  private let mean: [Double]
  private let deviation: [Double]
  private static let bound = 4.0

  /// - Returns: nil for no rows, or rows of different widths.
  package init?(_ rows: [[Double]]) {
    guard let width = rows.first?.count, rows.allSatisfy({ $0.count == width }) else { return nil }
    let values = rows.map { $0.map(Self.compressed) }
    let count = Double(rows.count)
    mean = (0..<width).map { column in values.reduce(0) { $0 + $1[column] } / count }
    deviation = (0..<width).map { [mean] column in
      let square = values.reduce(0) { $0 + ($1[column] - mean[column]) * ($1[column] - mean[column]) }
      // A feature that never changed says by any change that a flow is novel.
      return max((square / count).squareRoot(), 1e-3)
    }
  }

  /// - Parameter features: of the rows' width; what lacks is taken as the mean.
  package func coordinates(_ features: [Double]) -> [Float] {
    mean.indices.map { column in
      guard column < features.count else { return 0 }
      let value = (Self.compressed(features[column]) - mean[column]) / deviation[column]
      guard abs(value) > Self.bound else { return Float(value) }
      let beyond = Self.bound + log1p(abs(value) - Self.bound)
      return Float(value < 0 ? -beyond : beyond)
    }
  }

  private static func compressed(_ value: Double) -> Double {
    guard value.isFinite else { return value.isNaN ? 0 : compressed(value < 0 ? -1e300 : 1e300) }
    return value < 0 ? -log1p(-value) : log1p(value)
  }
}
