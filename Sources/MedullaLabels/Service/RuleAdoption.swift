import MedullaBase

/// When rules that a service gave may answer in its place.
package struct RuleSettings: Sendable, Equatable {
  /// The share of known labels that rules must give alike, where they give one: the lower end of its interval
  /// is to be at least so much, and the upper end not below it later.
  package var agreement: Double
  /// The share of known flows of which they must say anything.
  package var coverage: Double
  /// Known labels that there must be: half go to the service as examples, by half its rules are judged.
  package var known: Int
  /// The share of the flows that rules answer of which the service is asked all the same.
  package var audit: Double
  /// Audits that are looked back on.
  package var window: Int
  /// New labels before rules are asked for again.
  package var spacing: Int

  package init(
    agreement: Double = 0.9, coverage: Double = 0.5, known: Int = 200, audit: Double = 0.05,
    window: Int = 100, spacing: Int = 200
  ) {
    self.agreement = agreement
    self.coverage = coverage
    self.known = known
    self.audit = audit
    self.window = window
    self.spacing = spacing
  }

  func check() throws(LabelServiceError) {
    guard agreement > 0.5, agreement < 1, coverage > 0, coverage <= 1, (20...10_000).contains(known),
      audit > 0, audit <= 1, (20...10_000).contains(window), (1...1_000_000).contains(spacing)
    else {
      throw LabelServiceError(
        .badSetting, "rules of a label service cannot be judged by these settings: \(self)",
        remedy:
          "`agreement` is above 0.5 and below 1, `coverage` and `audit` above 0 and at most 1, `known` and "
          + "`window` 20 to 10,000.")
    }
  }
}

/// What became of a service's rules.
package enum RuleState: Sendable, Equatable, CustomStringConvertible {
  case none
  /// They answer; what the replay on known labels said.
  case adopted(RuleReplay)
  case refused(String)
  case retired(String)

  package var description: String {
    switch self {
    case .none: "none"
    case .adopted(let replay): "adopted: \(replay)"
    case .refused(let reason): "refused: \(reason)"
    case .retired(let reason): "retired: \(reason)"
    }
  }
}

/// How rules did on flows whose labels are known.
package struct RuleReplay: Sendable, Equatable, CustomStringConvertible {
  /// Flows; of these those that the rules labelled; of these those that they labelled alike.
  package let flows: Int
  package let answered: Int
  package let alike: Int

  package var coverage: Double { flows > 0 ? Double(answered) / Double(flows) : 0 }
  /// The interval of the share that is alike (Wilson, 1927; 95%).
  package var interval: ClosedRange<Double> { Self.interval(alike, of: answered) }

  package var description: String {
    "\(alike) of \(answered) labels alike, \(flows - answered) of \(flows) flows without one"
  }

  static func interval(_ count: Int, of total: Int) -> ClosedRange<Double> {
    guard total > 0 else { return 0...1 }
    let (n, z) = (Double(total), 1.96)
    let share = Double(count) / n
    let centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    return max(0, centre - half)...min(1, centre + half)
  }
}

/// Decides when a service is asked for rules, whether they are good, and when they no longer are. A value.
struct RuleAdoption: Sendable {
  let settings: RuleSettings
  private(set) var state = RuleState.none
  /// The last known labels.
  private(set) var known: [KnownLabel] = []
  private var sinceAttempt: Int
  /// Whether the last audited flows were labelled alike.
  private var audits: [Bool] = []
  /// Below it audits say too little.
  private static let fewestAudits = 20

  init(_ settings: RuleSettings) {
    self.settings = settings
    sinceAttempt = settings.spacing
  }

  var isAdopted: Bool { if case .adopted = state { true } else { false } }

  mutating func note(_ label: KnownLabel) {
    known.append(label)
    if known.count > settings.known { known.removeFirst(known.count - settings.known) }
    sinceAttempt += 1
  }

  var wantsRules: Bool { !isAdopted && known.count >= settings.known && sinceAttempt >= settings.spacing }

  /// What the service is shown, and what its rules are then judged by; no flow is in both.
  mutating func attempt() -> (examples: [KnownLabel], held: [KnownLabel]) {
    sinceAttempt = 0
    let halves = Dictionary(grouping: known.enumerated()) { $0.offset % 2 }
    return ((halves[0] ?? []).map(\.element), (halves[1] ?? []).map(\.element))
  }

  /// Judges what rules said of the held flows.
  mutating func judge(_ answers: [UInt64: Int], held: [KnownLabel]) {
    let answered = held.filter { answers[$0.request.sample] != nil }
    let replay = RuleReplay(
      flows: held.count, answered: answered.count,
      alike: answered.count { answers[$0.request.sample] == $0.label })
    if replay.coverage < settings.coverage {
      state = .refused("\(replay); \(settings.coverage) of the flows must have a label")
    } else if replay.interval.lowerBound < settings.agreement {
      state = .refused(
        "\(replay): at least \(replay.interval.lowerBound) are alike, not \(settings.agreement)")
    } else {
      audits = []
      state = .adopted(replay)
    }
  }

  mutating func refuse(_ reason: String) { state = .refused(reason) }

  /// The service has labelled a flow that the rules had labelled too.
  mutating func audit(isAlike: Bool) {
    guard isAdopted else { return }
    audits.append(isAlike)
    if audits.count > settings.window { audits.removeFirst() }
    let alike = audits.count { $0 }
    guard audits.count >= Self.fewestAudits,
      RuleReplay.interval(alike, of: audits.count).upperBound < settings.agreement
    else { return }
    retire("only \(alike) of the last \(audits.count) audited labels were alike")
  }

  mutating func retire(_ reason: String) {
    audits = []
    sinceAttempt = 0
    state = .retired(reason)
  }
}
