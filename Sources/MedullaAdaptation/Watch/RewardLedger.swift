import MedullaDatapath

/// Rewards, summed by slices of time, versions and units of randomisation.
///
/// Decisions of one unit in a row hang together, so their number says little about how sure a mean is; the
/// watch compares the means of these pieces instead, each a unit (or a group of them) in one slice.
package struct RewardLedger: Sendable, Equatable {
  struct Key: Hashable, Sendable {
    let slice: Int64
    let version: UInt64
    let group: UInt64

    /// Whatever the version.
    var place: Place { Place(slice: slice, group: group) }
  }

  struct Piece: Sendable, Equatable {
    var sum = 0.0
    var samples = 0
    var mean: Double { sum / Double(max(samples, 1)) }
  }

  /// Means of pieces in a fixed order, and the number of their samples.
  package struct Means: Sendable, Equatable {
    var means: [Double] = []
    var samples = 0
  }

  /// A unit in a slice of time.
  struct Place: Hashable {
    let slice: Int64
    let group: UInt64
  }

  package let slice: Duration
  package let unit: RandomizationUnit
  private(set) var pieces: [Key: Piece] = [:]

  /// With more pieces than these, further units are not counted until old slices are forgotten.
  static let pieceLimit = 32_768

  package init(slice: Duration, unit: RandomizationUnit) {
    self.slice = max(slice, .milliseconds(1))
    self.unit = unit
  }

  func index(of time: Duration) -> Int64 { Int64(time / slice) }

  package mutating func add(_ rewards: [RewardSample]) {
    for sample in rewards where sample.reward.isFinite {
      let key = Key(
        slice: index(of: sample.time), version: sample.version, group: sample.unit % unit.groups)
      guard pieces.count < Self.pieceLimit || pieces[key] != nil else { continue }
      pieces[key, default: Piece()].sum += sample.reward
      pieces[key, default: Piece()].samples += 1
    }
  }

  /// Forgets what lies before `time`.
  package mutating func forget(before time: Duration) {
    let first = index(of: time)
    if pieces.contains(where: { $0.key.slice < first }) {
      pieces = pieces.filter { $0.key.slice >= first }
    }
  }

  /// Of the pieces of a version, or of all but it, in a time.
  func means(
    from start: Duration, to end: Duration, of version: UInt64, isOther: Bool = false
  ) -> Means {
    Self.means(of: pieces(from: start, to: end).filter { ($0.key.version != version) == isOther })
  }

  /// The same without the pieces of units that were on both sides: there each earns in what the other has
  /// left, which says nothing of how either does.
  func meansApart(
    from start: Duration, to end: Duration, of version: UInt64, isOther: Bool = false
  ) -> Means {
    guard unit.canBeShared else { return means(from: start, to: end, of: version, isOther: isOther) }
    let pieces = pieces(from: start, to: end)
    let (new, old) = (
      pieces.keys.filter { $0.version == version }, pieces.keys.filter { $0.version != version }
    )
    let others = Set((isOther ? new : old).map(\.place))
    return Self.means(
      of: pieces.filter { ($0.key.version != version) == isOther && !others.contains($0.key.place) })
  }

  private func pieces(from start: Duration, to end: Duration) -> [Key: Piece] {
    let (first, last) = (index(of: start), index(of: end))
    return pieces.filter { $0.key.slice >= first && $0.key.slice < last }
  }

  private static func means(of pieces: [Key: Piece]) -> Means {
    let sorted = pieces.sorted {
      ($0.key.slice, $0.key.version, $0.key.group) < ($1.key.slice, $1.key.version, $1.key.group)
    }
    return Means(means: sorted.map(\.value.mean), samples: sorted.reduce(0) { $0 + $1.value.samples })
  }
}
