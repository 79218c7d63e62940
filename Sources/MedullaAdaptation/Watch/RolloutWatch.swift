/// Compares the rewards of a promoted snapshot with those of what was active before it.
///
/// While old flows keep the old version, both earn rewards at the same time on the same network, and these
/// are compared: a network that has changed meets both. Else the old version's rewards before the promotion
/// are held against the new one's after it.
///
/// It looks four times in a window, each time with a quarter of the significance, so that looking often does
/// not make a false alarm likelier (Bonferroni).
public struct RolloutWatch: Sendable, Equatable {
  public let settings: WatchSettings
  public private(set) var ledger: RewardLedger
  private var trial: Trial?
  /// A trial that no flow had used when its time was over; it goes on with the first that does.
  private var sleeping: Trial?

  private struct Trial: Sendable, Equatable {
    let version: UInt64
    var start: Duration
    /// When the first rewards of the new version came.
    var firstSeen: Duration?
    var looks = 0
    /// Its promotion was before the start: nothing is known of the time before.
    var isTakenOver = false
    /// The rewards from before the promotion, kept when the ledger forgets them.
    var before = Means()
  }

  typealias Means = RewardLedger.Means

  static let slices = 20
  static let looks = 4
  /// Pieces that each side must have.
  static let leastPieces = 6
  /// Windows after which a snapshot that no flow has used holds no further update up.
  static let patience = 3

  public init(_ settings: WatchSettings) {
    self.settings = settings
    ledger = RewardLedger(slice: settings.window / Self.slices)
  }

  public var isWatching: Bool { trial != nil }

  public mutating func add(_ rewards: [RewardSample], at now: Duration) {
    ledger.add(rewards)
    if let trial, trial.firstSeen == nil { self.trial?.firstSeen = Self.first(of: trial.version, rewards) }
    if let version = sleeping?.version, sleeping?.firstSeen == nil,
      let first = Self.first(of: version, rewards)
    {
      // The network may be another by now: what flows of the old version earned just before counts more.
      sleeping?.start = first
      sleeping?.firstSeen = first
      sleeping?.isTakenOver = false
    }
    ledger.forget(before: (trial?.start ?? sleeping?.firstSeen ?? now) - settings.window)
  }

  private static func first(of version: UInt64, _ rewards: [RewardSample]) -> Duration? {
    rewards.lazy.filter { $0.version == version }.map(\.time).min()
  }

  /// Whether enough rewards of the last window are known to hold a new snapshot against.
  public func hasBaseline(at now: Duration) -> Bool {
    let (first, last) = (ledger.index(of: now - settings.window), ledger.index(of: now))
    let slices = ledger.pieces.keys.lazy.map(\.slice).filter { $0 >= first && $0 <= last }
    return Set(slices).count >= Self.leastPieces
  }

  /// - Parameters:
  ///   - start: when the version was promoted.
  ///   - isTakenOver: by another process; then only flows on both versions at once are compared.
  public mutating func begin(version: UInt64, at start: Duration, isTakenOver: Bool = false) {
    trial = Trial(version: version, start: start, isTakenOver: isTakenOver)
    sleeping = nil
  }

  /// Goes on watching a version that no flow had used in its time, once one has; false: there is none.
  public mutating func wake() -> Bool {
    guard trial == nil, let sleeping, sleeping.firstSeen != nil else { return false }
    trial = sleeping
    self.sleeping = nil
    return true
  }

  /// Ends without a comparison, because someone else changed the active snapshot.
  public mutating func abandon(at now: Duration) -> WatchVerdict? {
    sleeping = nil
    guard let trial else { return nil }
    self.trial = nil
    return verdict(of: trial, .abandoned, at: now)
  }

  /// The verdict, when one is due.
  public mutating func check(at now: Duration) -> WatchVerdict? {
    guard var trial else { return nil }
    guard let firstSeen = trial.firstSeen else {
      guard now >= trial.start + settings.window * Self.patience else { return nil }
      if !trial.isTakenOver { trial.before = earlier(than: trial) }
      (self.trial, sleeping) = (nil, trial)
      return verdict(
        of: trial, .undecided, at: now,
        reason: "no flow has used it yet; it is watched when one does and nothing else was promoted")
    }
    let due = firstSeen + settings.window * (trial.looks + 1) / Self.looks
    guard now >= due else { return nil }
    trial.looks += 1
    self.trial = trial
    let verdict = compare(trial, at: now)
    guard verdict.outcome == .worse || trial.looks >= Self.looks else { return nil }
    self.trial = nil
    return verdict
  }

  private func compare(_ trial: Trial, at now: Duration) -> WatchVerdict {
    let new = ledger.means(from: trial.start, to: now + ledger.slice) { $0 == trial.version }
    // Rewards of decisions that were under way at the promotion are not yet beside the new version's.
    let beside = ledger.means(from: trial.start + ledger.slice * 2, to: now + ledger.slice) {
      $0 != trial.version
    }
    let recent = earlier(than: trial)
    let before = recent.means.count >= Self.leastPieces ? recent : trial.before
    let isBeside = beside.means.count >= Self.leastPieces
    let old = isBeside || trial.isTakenOver ? beside : before
    guard old.means.count >= Self.leastPieces, new.means.count >= Self.leastPieces,
      let test = WelchTest(old.means, new.means)
    else {
      let reason =
        trial.isTakenOver
        ? "the rewards from before the restart are lost, and too few flows are on both versions at once"
        : "too few rewards came to compare"
      return verdict(of: trial, .undecided, old: old, new: new, at: now, reason: reason)
    }
    let loss = (test.first - test.second) / max(abs(test.first), 0.05)
    let isWorse = loss > settings.loss && test.probability < settings.significance / Double(Self.looks)
    return verdict(
      of: trial, isWorse ? .worse : .accepted, isBeside ? .sideBySide : .beforeAfter, test, loss, old: old,
      new: new, at: now)
  }

  private func earlier(than trial: Trial) -> Means {
    ledger.means(from: trial.start - settings.window, to: trial.start) { $0 != trial.version }
  }

  private func verdict(
    of trial: Trial, _ outcome: WatchVerdict.Outcome, _ comparison: WatchVerdict.Comparison? = nil,
    _ test: WelchTest? = nil, _ loss: Double? = nil, old: Means = Means(),
    new: Means = Means(), at now: Duration, reason: String? = nil
  ) -> WatchVerdict {
    WatchVerdict(
      version: trial.version, outcome: outcome, comparison: comparison, oldMean: test?.first,
      newMean: test?.second, oldSamples: old.samples, newSamples: new.samples, oldPieces: old.means.count,
      newPieces: new.means.count, relativeLoss: loss, probability: test?.probability,
      lossLimit: settings.loss, significance: settings.significance / Double(Self.looks),
      seconds: (now - trial.start).seconds, reason: reason)
  }
}
