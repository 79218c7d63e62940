/// What is known of a window when it ends.
package struct WindowEvidence: Sendable, Equatable {
  /// nil: the window had no information.
  package var proxy: ProxyReading?
  /// The same measure of the baseline, a network that was trained once and frozen; nil: there is none.
  package var baseline: Double?
  package var drift: DriftReading?
  /// For each label of the window, in order: whether the network said something else.
  package var disagreements: [Bool]
  /// How probable it is that a label of the window is wrong, on average: so often a network that is right
  /// differs from it.
  package var labelError: Double
  /// Classes that the window's labels have.
  package var labelledClasses: Int

  package init(
    proxy: ProxyReading? = nil, baseline: Double? = nil, drift: DriftReading? = nil,
    disagreements: [Bool] = [], labelledClasses: Int = 0, labelError: Double = 0
  ) {
    (self.proxy, self.baseline, self.drift) = (proxy, baseline, drift)
    (self.disagreements, self.labelledClasses) = (disagreements, labelledClasses)
    self.labelError = min(max(labelError, 0), 0.5)
  }

  /// The share of the labels that the network differs from beyond what their own errors explain.
  var disagreement: Double? {
    guard !disagreements.isEmpty else { return nil }
    let share = Double(disagreements.filter { $0 }.count) / Double(disagreements.count)
    return max(share - labelError, 0)
  }
}

/// Why a network is trained anew, in numbers.
package enum RetrainReason: Sendable, Equatable, Codable {
  case drift(feature: Int, distance: Double, limit: Double)
  /// The upper end of the proxy's interval fell below the accepted level.
  case accuracy(high: Double, level: Double)
  case baseline(high: Double, level: Double)
  /// The sum of disagreement with the labels.
  case disagreement(sum: Double, alarm: Double)
  /// The conditions after a change that had only begun when it was learned.
  case followUp(disagreement: Double)
  case schedule
  case everyWindow
}

package enum RetrainDecision: Sendable, Equatable {
  case wait
  case retrain([RetrainReason])
}

/// Says at a window's end whether a network is to be trained anew. A value without clock: windows are its
/// time.
package struct RetrainTrigger: Sendable, Equatable, Codable {
  package enum Policy: Sendable, Equatable, Codable {
    case triggered
    case schedule(windows: Int)
    case everyWindow
  }

  package struct Settings: Sendable, Equatable, Codable {
    package var policy = Policy.triggered
    /// By which the proxy's upper end has to be below the level that was accepted.
    package var margin = 0.03
    /// By which the proxy's upper end is to exceed the frozen baseline.
    package var baselineMargin = 0.0
    /// Page's sum of disagreement: each label adds 1 where the network said something else, less this; where
    /// labels err with probability e, a network that is wrong on this share a differs from a + e · (1 − 2a).
    package var allowedDisagreement = 0.25
    package var alarm = 14.0
    /// Windows after a training in which no other begins, but for the follow-up.
    package var cooldown = 1
    /// Windows after a training at which another follows …
    package var followUp = 2
    /// … unless no more of the labels differ.
    package var settledDisagreement = 0.02
    /// Labels of a window that has information.
    package var leastLabels = 8

    package init() {}
  }

  package let settings: Settings
  /// The proxy when the network in use was accepted.
  package private(set) var accepted: Double?
  /// Page's (1954) sum, never below 0.
  package private(set) var sum = 0.0
  /// A window's drift that came with no information waits for one that has it.
  package private(set) var pending: RetrainReason?
  private var windows = 0
  private var sinceTraining: Int?
  private var followsUp = false
  /// False after the proxy has fired, until it was well again: it fires once for one fall.
  private var isArmed = true

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  /// Looks at one window.
  package mutating func take(_ window: WindowEvidence) -> RetrainDecision {
    windows += 1
    sinceTraining = sinceTraining.map { $0 + 1 }
    let share = settings.allowedDisagreement
    let allowed = share + window.labelError * (1 - 2 * share)
    for differs in window.disagreements { sum = max(0, sum + (differs ? 1 : 0) - allowed) }
    if let drift = window.drift, drift.isDrift {
      pending = .drift(feature: drift.feature, distance: drift.distance, limit: drift.limit)
    }
    let informs = window.disagreements.count >= settings.leastLabels && window.labelledClasses > 1
    guard informs else { return .wait }
    switch settings.policy {
    case .everyWindow: return .retrain([.everyWindow])
    case .schedule(let every): return windows % max(every, 1) == 0 ? .retrain([.schedule]) : .wait
    case .triggered: break
    }
    if let reason = followUp(window) { return .retrain([reason]) }
    if let since = sinceTraining, since <= settings.cooldown {
      // What differs from the network's own reference right after a training was learned with it.
      pending = nil
      return .wait
    }
    let reasons = reasons(window)
    return reasons.isEmpty ? .wait : .retrain(reasons)
  }

  /// A network was trained and taken into use.
  ///
  /// - Parameters:
  ///   - level: its proxy on rows that it did not learn from; nil: the next reading counts.
  ///   - isFollowUp: it was a follow-up, after which none follows.
  package mutating func accept(level: Double?, isFollowUp: Bool) {
    accepted = level
    (sum, pending, isArmed, sinceTraining) = (0, nil, true, 0)
    followsUp = !isFollowUp
  }

  /// A training came to nothing: the next one needs new evidence.
  package mutating func refuse() {
    (sum, pending, sinceTraining, followsUp, isArmed) = (0, nil, 0, false, false)
  }

  private mutating func followUp(_ window: WindowEvidence) -> RetrainReason? {
    guard followsUp, let since = sinceTraining, since >= settings.followUp else { return nil }
    followsUp = false
    guard let disagreement = window.disagreement, disagreement > settings.settledDisagreement else {
      return nil
    }
    return .followUp(disagreement: disagreement)
  }

  private mutating func reasons(_ window: WindowEvidence) -> [RetrainReason] {
    var reasons: [RetrainReason] = []
    if let pending { reasons.append(pending) }
    pending = nil
    if sum >= settings.alarm {
      reasons.append(.disagreement(sum: sum, alarm: settings.alarm))
    }
    guard let proxy = window.proxy else { return reasons }
    guard let level = accepted else {
      accepted = proxy.value
      return reasons
    }
    if !isArmed, proxy.value >= level - settings.margin { isArmed = true }
    guard isArmed else { return reasons }
    if proxy.high < level - settings.margin {
      reasons.append(.accuracy(high: proxy.high, level: level))
    } else if let baseline = window.baseline, baseline + settings.baselineMargin > proxy.high,
      level > baseline + settings.baselineMargin
    {
      reasons.append(.baseline(high: proxy.high, level: baseline))
    }
    if reasons.contains(where: { if case .drift = $0 { false } else { true } }) { isArmed = false }
    return reasons
  }
}
