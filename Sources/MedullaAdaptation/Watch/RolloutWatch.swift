import MedullaDatapath

/// Compares the rewards of a promoted snapshot with those of what was active before it.
///
/// What is compared are means of the reward's unit of randomisation (flow, path or host) in slices of time.
/// A unit that can be shared counts side by side only where it was on one side.
///
/// While old flows keep the old version, both earn rewards at the same time on the same network, and these
/// are compared: a network that has changed meets both. Else the old version's rewards before the promotion
/// are held against the new one's after it.
///
/// It looks four times in a window, each time with a quarter of the significance, so that looking often does
/// not make a false alarm likelier (Bonferroni).
package struct RolloutWatch: Sendable, Equatable {
  package let settings: WatchSettings
  package private(set) var ledger: RewardLedger
  private(set) var state = State.idle

  enum State: Sendable, Equatable {
    case idle
    /// Promoted, and no flow has used it yet.
    case unused(Trial)
    /// The first rewards of the new version came at `since`; how often it was looked at.
    case judging(Trial, since: Duration, looks: Int)
    /// Its time was over before a flow had used it; it goes on with the first that does.
    case asleep(Trial)
    /// That has come.
    case awake(Trial)
  }

  struct Trial: Sendable, Equatable {
    let version: UInt64
    let start: Duration
    let before: Before
  }

  /// What is known of the time before the promotion.
  enum Before: Sendable, Equatable {
    /// The ledger has it.
    case inLedger
    /// Kept when the ledger forgets it; what it has of later counts more.
    case kept(Means)
    /// Nothing: it was promoted by another process, and the rewards went with that.
    case lost
  }

  package typealias Means = RewardLedger.Means

  static let slices = 20
  static let looks = 4
  /// Pieces that each side must have.
  static let leastPieces = 6
  /// Windows after which a snapshot that no flow has used holds no further update up.
  static let patience = 3

  package init(_ settings: WatchSettings, unit: RandomizationUnit) {
    self.settings = settings
    ledger = RewardLedger(slice: settings.window / Self.slices, unit: unit)
  }

  package var unit: RandomizationUnit { ledger.unit }

  package var isWatching: Bool {
    switch state {
    case .unused, .judging: true
    case .idle, .asleep, .awake: false
    }
  }

  package mutating func add(_ rewards: [RewardSample], at now: Duration) {
    ledger.add(rewards)
    var oldest = now
    switch state {
    case .idle: break
    case .unused(let trial):
      oldest = trial.start
      if let first = Self.first(of: trial.version, rewards) {
        state = .judging(trial, since: first, looks: 0)
      }
    case .judging(let trial, _, _), .awake(let trial): oldest = trial.start
    case .asleep(let trial):
      guard let first = Self.first(of: trial.version, rewards) else { break }
      // The network may be another by now: what flows of the old version earned just before counts more.
      let before = trial.before == .lost ? .kept(Means()) : trial.before
      state = .awake(Trial(version: trial.version, start: first, before: before))
      oldest = first
    }
    ledger.forget(before: oldest - settings.window)
  }

  private static func first(of version: UInt64, _ rewards: [RewardSample]) -> Duration? {
    rewards.lazy.filter { $0.version == version }.map(\.time).min()
  }

  /// Whether enough rewards of the last window are known to hold a new snapshot against.
  package func hasBaseline(at now: Duration) -> Bool {
    let (first, last) = (ledger.index(of: now - settings.window), ledger.index(of: now))
    let slices = ledger.pieces.keys.lazy.map(\.slice).filter { $0 >= first && $0 <= last }
    return Set(slices).count >= Self.leastPieces
  }

  /// - Parameters:
  ///   - start: when the version was promoted.
  ///   - isTakenOver: by another process; then only flows on both versions at once are compared.
  package mutating func begin(version: UInt64, at start: Duration, isTakenOver: Bool = false) {
    state = .unused(Trial(version: version, start: start, before: isTakenOver ? .lost : .inLedger))
  }

  /// Goes on watching a version that no flow had used in its time, once one has; nil: there is none.
  package mutating func wake() -> UInt64? {
    guard case .awake(let trial) = state else { return nil }
    state = .judging(trial, since: trial.start, looks: 0)
    return trial.version
  }

  /// Ends without a comparison, because someone else changed the active snapshot.
  package mutating func abandon(at now: Duration) -> WatchVerdict? {
    defer { state = .idle }
    switch state {
    case .idle, .asleep, .awake: return nil
    case .unused(let trial), .judging(let trial, _, _): return verdict(of: trial, .abandoned, at: now)
    }
  }

  /// The verdict, when one is due.
  package mutating func check(at now: Duration) -> WatchVerdict? {
    switch state {
    case .idle, .asleep, .awake: return nil
    case .unused(let trial):
      guard now >= trial.start + settings.window * Self.patience else { return nil }
      let before = trial.before == .inLedger ? .kept(earlier(than: trial)) : trial.before
      state = .asleep(Trial(version: trial.version, start: trial.start, before: before))
      return verdict(
        of: trial, .undecided, at: now,
        reason: "no flow has used it yet; it is watched when one does and nothing else was promoted")
    case .judging(let trial, let since, let looks):
      guard now >= since + settings.window * (looks + 1) / Self.looks else { return nil }
      let verdict = compare(trial, at: now)
      let isOver = verdict.outcome == .worse || looks + 1 >= Self.looks
      state = isOver ? .idle : .judging(trial, since: since, looks: looks + 1)
      return isOver ? verdict : nil
    }
  }

  private func compare(_ trial: Trial, at now: Duration) -> WatchVerdict {
    let end = now + ledger.slice
    // Rewards of decisions that were under way at the promotion are not yet beside the new version's.
    let beside = ledger.meansApart(
      from: trial.start + ledger.slice * 2, to: end, of: trial.version, isOther: true)
    let isBeside = beside.means.count >= Self.leastPieces
    let new =
      isBeside
      ? ledger.meansApart(from: trial.start, to: end, of: trial.version)
      : ledger.means(from: trial.start, to: end, of: trial.version)
    let old = isBeside ? beside : before(trial) ?? beside
    guard old.means.count >= Self.leastPieces, new.means.count >= Self.leastPieces,
      let test = WelchTest(old.means, new.means)
    else {
      let reason =
        trial.before == .lost
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

  /// The old version's rewards from before the promotion; nil: they are lost.
  private func before(_ trial: Trial) -> Means? {
    let recent = earlier(than: trial)
    switch trial.before {
    case .lost: return nil
    case .inLedger: return recent.means.count >= Self.leastPieces ? recent : Means()
    case .kept(let means): return recent.means.count >= Self.leastPieces ? recent : means
    }
  }

  private func earlier(than trial: Trial) -> Means {
    ledger.means(from: trial.start - settings.window, to: trial.start, of: trial.version, isOther: true)
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
      seconds: (now - trial.start).seconds, reason: reason, unit: unit)
  }
}
