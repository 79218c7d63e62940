/// One side of a comparison: means of units in slices of time.
package struct RewardSide: Sendable, Equatable {
  struct Piece: Sendable, Equatable {
    let slice: Int64
    let group: UInt64
    let mean: Double
    let samples: Int

    var place: Place { Place(slice: slice, group: group) }
  }

  /// A unit in a slice of time.
  struct Place: Hashable {
    let slice: Int64
    let group: UInt64
  }

  /// By slice and unit.
  private(set) var pieces: [Piece] = []

  package init() {}

  init(_ pieces: some Sequence<(RewardLedger.Key, RewardLedger.Piece)>) {
    // Several old versions may lie in one place: they keep their order, so that sums repeat.
    self.pieces = pieces.sorted {
      ($0.0.slice, $0.0.group, $0.0.version) < ($1.0.slice, $1.0.group, $1.0.version)
    }.map { Piece(slice: $0.slice, group: $0.group, mean: $1.mean, samples: $1.samples) }
  }

  /// Of all units together, as it was written down.
  package init(_ batches: [BatchStatistics]) {
    pieces = batches.enumerated().compactMap { index, batch in
      batch.rewardMean.map { Piece(slice: Int64(index), group: .max, mean: $0, samples: batch.samples) }
    }
  }

  var samples: Int { pieces.reduce(0) { $0 + $1.samples } }
  var groups: Set<UInt64> { Set(pieces.map(\.group)) }
  var mean: Double { Self.mean(pieces.map(\.mean)) }

  func filter(_ isIncluded: (Piece) -> Bool) -> RewardSide {
    var side = RewardSide()
    side.pieces = pieces.filter(isIncluded)
    return side
  }

  /// The mean of each slice, in the order of time.
  var series: [Double] { Self.means(of: pieces, by: \.slice) }

  /// The mean of each unit.
  var units: [Double] { Self.means(of: pieces, by: \.group) }

  private static func means<Key: Hashable & Comparable>(
    of pieces: [Piece], by key: KeyPath<Piece, Key>
  ) -> [Double] {
    Dictionary(grouping: pieces) { $0[keyPath: key] }.sorted { $0.key < $1.key }.map {
      mean($0.value.map(\.mean))
    }
  }

  static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(max(values.count, 1))
  }
}
