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
/// Side by side nothing shows of what the new version does to a queue that all share. So the old version's
/// own rewards are held against those of before as well: when all have fallen together, the snapshot is taken
/// back, and whether the rewards recover without it tells if it was to blame.
///
/// It looks four times in a window at two comparisons, each with an eighth of the significance, so that
/// looking often does not make a false alarm likelier (Bonferroni).
package struct RolloutWatch: Sendable, Equatable {
  package let settings: WatchSettings
  package private(set) var ledger: RewardLedger
  private var state = State.idle

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
    /// All rewards fell with it; it is being taken back.
    case fallen(Trial, Fall)
    /// It was, at `since`: do they recover?
    case takenBack(Trial, Fall, since: Duration)
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
    case kept(RewardSide)
    /// Nothing: it was promoted by another process, and the rewards went with that.
    case lost
  }

  /// Mean rewards of before the promotion and after it.
  struct Fall: Sendable, Equatable {
    let before: Double
    let after: Double
  }

  static let slices = 20
  static let looks = 4
  /// Comparisons at each look.
  static let comparisons = 2
  /// The part of the rewards up to which a snapshot that was taken back no longer matters.
  static let leastShare = 0.1
  /// Windows after which a snapshot that no flow has used holds no further update up.
  static let patience = 3

  package init(_ settings: WatchSettings, unit: RandomizationUnit) {
    self.settings = settings
    ledger = RewardLedger(slice: settings.window / Self.slices, unit: unit)
  }

  package var unit: RandomizationUnit { ledger.unit }

  package var isWatching: Bool {
    switch state {
    case .unused, .judging, .fallen, .takenBack: true
    case .idle, .asleep, .awake: false
    }
  }

  /// Whether it watches how the rewards do without the snapshot.
  package var isTakenBack: Bool { if case .takenBack = state { true } else { false } }

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
    case .judging(let trial, _, _), .awake(let trial), .fallen(let trial, _), .takenBack(let trial, _, _):
      oldest = trial.start
    case .asleep(let trial):
      guard let first = Self.first(of: trial.version, rewards) else { break }
      // The network may be another by now: what flows of the old version earned just before counts more.
      let before = trial.before == .lost ? .kept(RewardSide()) : trial.before
      state = .awake(Trial(version: trial.version, start: first, before: before))
      oldest = first
    }
    ledger.forget(before: oldest - settings.window)
  }

  private static func first(of version: UInt64, _ rewards: [RewardSample]) -> Duration? {
    rewards.lazy.filter { $0.version == version }.map(\.time).min()
  }

  /// Whether enough rewards of the last window are known to hold a new snapshot against. The slice that has
  /// not ended does not count: a promotion in it would leave it out.
  package func hasBaseline(at now: Duration) -> Bool {
    let (first, last) = (ledger.index(of: now - settings.window), ledger.index(of: now))
    let slices = ledger.pieces.keys.lazy.map(\.slice).filter { $0 >= first && $0 < last }
    return Set(slices).count >= RewardComparison.leastPieces
  }

  /// - Parameters:
  ///   - start: when the version was promoted.
  package mutating func begin(version: UInt64, at start: Duration) {
    state = .unused(Trial(version: version, start: start, before: .inLedger))
  }

  /// Goes on with what another process has begun.
  ///
  /// - Parameter rewards: of before the promotion, as they were written down; too few of them are none, and
  ///   then only flows on both versions at once are compared.
  package mutating func takeOver(version: UInt64, at start: Duration, rewards: RewardSide) {
    let isEnough = rewards.pieces.count >= RewardComparison.leastPieces
    state = .unused(Trial(version: version, start: start, before: isEnough ? .kept(rewards) : .lost))
  }

  /// Goes on watching a version that no flow had used in its time, once one has; nil: there is none.
  package mutating func wake() -> UInt64? {
    guard case .awake(let trial) = state else { return nil }
    state = .judging(trial, since: trial.start, looks: 0)
    return trial.version
  }

  /// The snapshot with which all rewards fell was taken back.
  package mutating func takeBack(at now: Duration) {
    guard case .fallen(let trial, let fall) = state else { return }
    state = .takenBack(trial, fall, since: now)
  }

  /// Ends without a comparison, because someone else changed the active snapshot.
  package mutating func abandon(at now: Duration) -> WatchVerdict? {
    defer { state = .idle }
    switch state {
    case .idle, .asleep, .awake: return nil
    case .unused(let trial), .judging(let trial, _, _), .fallen(let trial, _), .takenBack(let trial, _, _):
      return verdict(of: trial, .abandoned, at: now)
    }
  }

  /// The verdict, when one is due.
  package mutating func check(at now: Duration) -> WatchVerdict? {
    switch state {
    case .idle, .asleep, .awake, .fallen: return nil
    case .unused(let trial):
      guard now >= trial.start + settings.window * Self.patience else { return nil }
      let before = trial.before == .inLedger ? .kept(earlier(than: trial)) : trial.before
      state = .asleep(Trial(version: trial.version, start: trial.start, before: before))
      return verdict(
        of: trial, .undecided, at: now,
        reason: "no flow has used it yet; it is watched when one does and nothing else was promoted")
    case .judging(let trial, let since, let looks):
      guard now >= since + settings.window * (looks + 1) / Self.looks else { return nil }
      let isLast = looks + 1 >= Self.looks
      let (verdict, fall) = compare(trial, at: now, isLast: isLast)
      if verdict.outcome == .fell, let fall {
        state = .fallen(trial, fall)
        return verdict
      }
      let isOver = verdict.outcome == .worse || isLast
      state = isOver ? .idle : .judging(trial, since: since, looks: looks + 1)
      return isOver ? verdict : nil
    case .takenBack(let trial, let fall, let since):
      guard now >= since + settings.window, let verdict = recovery(of: trial, fall, since: since, at: now)
      else { return nil }
      state = .idle
      return verdict
    }
  }
}

// The comparisons.
extension RolloutWatch {
  private func compare(
    _ trial: Trial, at now: Duration, isLast: Bool
  ) -> (verdict: WatchVerdict, fall: Fall?) {
    let end = now + ledger.slice
    // Rewards of decisions that were under way at the promotion are not yet beside the new version's.
    let settled = trial.start + ledger.slice * 2
    let (old, new) = ledger.sidesApart(from: settled, to: end, of: trial.version)
    let before = before(trial)
    let common = before.flatMap {
      RewardComparison.beforeAfter($0, ledger.side(from: settled, to: end, of: trial.version, isOther: true))
    }
    let fell = common.map(isLoss) ?? false
    let fall = common.map { Fall(before: $0.first, after: $0.second) }
    if let beside = RewardComparison.sideBySide(old, new) {
      if isLoss(beside) { return (verdict(of: trial, .worse, .sideBySide, beside, old, new, at: now), nil) }
      if fell { return (verdict(of: trial, .fell, .beforeAfter, common, before, old, at: now), fall) }
      return (verdict(of: trial, .accepted, .sideBySide, beside, old, new, at: now), nil)
    }
    // Both are there, and with the next look will have said enough: no need to go by another time.
    if !isLast, !old.pieces.isEmpty, !new.pieces.isEmpty,
      old.groups.count + new.groups.count >= RewardComparison.leastUnits
    {
      return (verdict(of: trial, .undecided, nil, nil, old, new, at: now), nil)
    }
    let all = ledger.side(from: trial.start, to: end, of: trial.version)
    guard let before, let after = RewardComparison.beforeAfter(before, all) else {
      let reason =
        trial.before == .lost
        ? "the rewards from before the restart are lost, and too few flows are on both versions at once"
        : "too few rewards came to compare"
      return (verdict(of: trial, .undecided, nil, nil, before ?? old, all, at: now, reason: reason), nil)
    }
    guard isLoss(after) else {
      if fell { return (verdict(of: trial, .fell, .beforeAfter, common, before, old, at: now), fall) }
      return (verdict(of: trial, .accepted, .beforeAfter, after, before, all, at: now), nil)
    }
    return (verdict(of: trial, fell ? .fell : .worse, .beforeAfter, after, before, all, at: now), fall)
  }

  private func isLoss(_ comparison: RewardComparison) -> Bool {
    comparison.loss > settings.loss && comparison.probability < significance
  }

  private var significance: Double {
    settings.significance / Double(Self.looks * Self.comparisons)
  }

  /// Whether the rewards are nearer to what they were before the promotion or to what they were with it, once
  /// hardly a flow is on the snapshot any longer; nil: that takes longer.
  private func recovery(
    of trial: Trial, _ fall: Fall, since: Duration, at now: Duration
  ) -> WatchVerdict? {
    let (start, end) = (now - settings.window / 2, now + ledger.slice)
    let new = ledger.side(from: start, to: end, of: trial.version)
    let old = ledger.side(from: start, to: end, of: trial.version, isOther: true)
    let share = Double(new.pieces.count) / Double(max(new.pieces.count + old.pieces.count, 1))
    guard old.pieces.count >= RewardComparison.leastPieces, share <= Self.leastShare else {
      guard now >= since + settings.window * Self.patience else { return nil }
      return verdict(
        of: trial, .undecided, .takenBack, nil, old, new, at: now,
        reason: share > Self.leastShare
          ? "all rewards fell with it, and flows that began on it go on: it stays taken back"
          : "all rewards fell with it, and too few came since: it stays taken back")
    }
    let hasRecovered = old.mean > (fall.before + fall.after) / 2
    var said = verdict(of: trial, hasRecovered ? .worse : .acquitted, .takenBack, nil, old, new, at: now)
    (said.oldMean, said.newMean) = (old.mean, fall.after)
    return said
  }

  /// The old version's rewards from before the promotion; nil: they are lost.
  private func before(_ trial: Trial) -> RewardSide? {
    let recent = earlier(than: trial)
    let isEnough = recent.pieces.count >= RewardComparison.leastPieces
    switch trial.before {
    case .lost: return nil
    case .inLedger: return isEnough ? recent : RewardSide()
    case .kept(let side): return isEnough ? recent : side
    }
  }

  private func earlier(than trial: Trial) -> RewardSide {
    ledger.side(from: trial.start - settings.window, to: trial.start, of: trial.version, isOther: true)
  }

  private func verdict(
    of trial: Trial, _ outcome: WatchVerdict.Outcome, _ comparison: WatchVerdict.Comparison? = nil,
    _ test: RewardComparison? = nil, _ old: RewardSide? = nil, _ new: RewardSide? = nil, at now: Duration,
    reason: String? = nil
  ) -> WatchVerdict {
    WatchVerdict(
      version: trial.version, outcome: outcome, comparison: comparison, oldMean: test?.first,
      newMean: test?.second, oldSamples: old?.samples ?? 0, newSamples: new?.samples ?? 0,
      oldPieces: old?.pieces.count ?? 0, newPieces: new?.pieces.count ?? 0, relativeLoss: test?.loss,
      probability: test?.probability, lossLimit: settings.loss, significance: significance,
      seconds: (now - trial.start).seconds, reason: reason, unit: unit)
  }
}
