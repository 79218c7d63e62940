/// Rewards, summed by slices of time, versions and flows.
///
/// Decisions of one flow in a row hang together, so their number says little about how sure a mean is; the
/// watch compares the means of these pieces instead, each a flow (or one of 64 groups of flows) in one slice.
public struct RewardLedger: Sendable, Equatable {
  struct Key: Hashable, Sendable {
    let slice: Int64
    let version: UInt64
    let group: UInt8
  }

  struct Piece: Sendable, Equatable {
    var sum = 0.0
    var samples = 0
    var mean: Double { sum / Double(max(samples, 1)) }
  }

  /// Means of pieces in a fixed order, and the number of their samples.
  struct Means: Sendable, Equatable {
    var means: [Double] = []
    var samples = 0
  }

  public let slice: Duration
  private(set) var pieces: [Key: Piece] = [:]

  static let groups: UInt64 = 64
  /// With more pieces than these, further flows are not counted until old slices are forgotten.
  static let pieceLimit = 32_768

  public init(slice: Duration) {
    self.slice = max(slice, .milliseconds(1))
  }

  func index(of time: Duration) -> Int64 { Int64(time / slice) }

  public mutating func add(_ rewards: [RewardSample]) {
    for sample in rewards where sample.reward.isFinite {
      let key = Key(
        slice: index(of: sample.time), version: sample.version, group: UInt8(sample.flow % Self.groups))
      guard pieces.count < Self.pieceLimit || pieces[key] != nil else { continue }
      pieces[key, default: Piece()].sum += sample.reward
      pieces[key, default: Piece()].samples += 1
    }
  }

  /// Forgets what lies before `time`.
  public mutating func forget(before time: Duration) {
    let first = index(of: time)
    if pieces.contains(where: { $0.key.slice < first }) {
      pieces = pieces.filter { $0.key.slice >= first }
    }
  }

  /// Of the pieces in a time.
  func means(from start: Duration, to end: Duration, where isWanted: (UInt64) -> Bool) -> Means {
    let (first, last) = (index(of: start), index(of: end))
    let wanted = pieces.filter { $0.key.slice >= first && $0.key.slice < last && isWanted($0.key.version) }
      .sorted {
        ($0.key.slice, $0.key.version, $0.key.group) < ($1.key.slice, $1.key.version, $1.key.group)
      }
    return Means(means: wanted.map(\.value.mean), samples: wanted.reduce(0) { $0 + $1.value.samples })
  }
}
