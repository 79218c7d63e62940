import MedullaDatapath

/// Rewards, summed by slices of time, versions and units of randomisation.
///
/// Decisions of one unit in a row hang together, and so do the slices of a unit; what that means for how sure
/// a mean is, `RewardComparison` knows.
package struct RewardLedger: Sendable, Equatable {
  struct Key: Hashable, Sendable {
    let slice: Int64
    let version: UInt64
    let group: UInt64
  }

  struct Piece: Sendable, Equatable {
    var sum = 0.0
    var samples = 0
    var mean: Double { sum / Double(max(samples, 1)) }

    mutating func add(_ reward: Double) {
      sum += reward
      samples += 1
    }
  }

  package let slice: Duration
  package let unit: RandomizationUnit
  private(set) var pieces: [Key: Piece] = [:]
  /// Before this there is nothing.
  private var first = Int64.min

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
      pieces[key, default: Piece()].add(sample.reward)
      first = min(first, key.slice)
    }
  }

  /// Forgets what lies before `time`.
  package mutating func forget(before time: Duration) {
    let oldest = index(of: time)
    guard oldest > first else { return }
    first = oldest
    pieces = pieces.filter { $0.key.slice >= oldest }
  }

  /// The pieces of a version, or of all but it, in a time.
  func side(
    from start: Duration, to end: Duration, of version: UInt64, isOther: Bool = false
  ) -> RewardSide {
    let (first, last) = (index(of: start), index(of: end))
    return RewardSide(
      pieces.lazy.filter {
        $0.key.slice >= first && $0.key.slice < last && ($0.key.version != version) == isOther
      }.map { ($0.key, $0.value) })
  }

  /// A version and all others over the same slices of time. Pieces of units that were on both sides are left
  /// out: there each earns in what the other has left, which says nothing of how either does.
  func sidesApart(
    from start: Duration, to end: Duration, of version: UInt64
  ) -> (old: RewardSide, new: RewardSide) {
    var old = side(from: start, to: end, of: version, isOther: true)
    var new = side(from: start, to: end, of: version)
    if unit.canBeShared {
      let shared = Set(old.pieces.map(\.place)).intersection(new.pieces.map(\.place))
      old = old.filter { !shared.contains($0.place) }
      new = new.filter { !shared.contains($0.place) }
    }
    let common = Set(old.pieces.map(\.slice)).intersection(new.pieces.map(\.slice))
    return (old.filter { common.contains($0.slice) }, new.filter { common.contains($0.slice) })
  }
}
