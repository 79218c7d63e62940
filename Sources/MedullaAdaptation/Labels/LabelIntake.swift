import MedullaBase
import MedullaDatapath
import MedullaLabels
import MedullaRetraining

/// Labels of the agents on their way to the classifier: those of one flow become one, where agents differ a
/// referee may be asked, and what people say counts as it is.
///
/// A flow stays open in the journal until what was learned from it is written down: what is lost by a kill is
/// there again.
struct LabelIntake {
  private let settings: LabelSettings
  private(set) var merging: LabelMerging
  /// A flow with its label.
  struct Settled {
    let sample: UInt64
    let flow: OnlineClassifier.LabelledFlow
    /// Of the snapshot that decided; nil: not known any longer.
    let version: UInt64?
  }

  /// With labels that no window has had yet.
  private var labelled: [Settled] = []
  /// What people said and no window has had yet.
  private(set) var given: [OnlineClassifier.LabelledFlow]
  /// Samples that were taken and are still open in the journal.
  private var taken: Set<UInt64> = []
  /// Until when flows wait for the referee.
  private var referred: [UInt64: Duration] = [:]
  /// Inputs of the last flows that were labelled, of which novel ones are told.
  private(set) var known: [[Double]] = []
  /// Which snapshot decided a flow, and when, until it has a label.
  private var decisions = DecisionMemory()
  private var rewards: [RewardSample] = []
  private(set) var count = 0
  private(set) var conflicts = 0

  /// - Parameters:
  ///   - before: what earlier labels said of the agents; it counts where they are the same.
  ///   - given: what people said before a restart.
  init(
    _ settings: LabelSettings, classes: Int, before: LabelMerging?,
    given: [OnlineClassifier.LabelledFlow] = []
  ) {
    self.settings = settings
    self.given = given
    var merge = LabelMerging.Settings()
    merge.assumedAccuracy = settings.accuracy
    let fresh = LabelMerging(agents: settings.agents.map(\.name), classes: classes, settings: merge)
    merging =
      before.flatMap {
        $0.agents == fresh.agents && $0.classes == classes && $0.settings == merge ? $0 : nil
      } ?? fresh
  }

  /// nil: none of its votes has stood beside another's yet.
  func errorRate(of agent: String) -> Double? {
    guard let place = merging.agents.firstIndex(of: agent), merging.errors.votes[place] > 0 else {
      return nil
    }
    return merging.errorRate(of: agent)
  }

  /// What a person says of a flow; it is taken to be right.
  mutating func give(_ flow: OnlineClassifier.LabelledFlow) {
    given.append(flow)
    count += 1
  }

  /// It was the last, and could not be kept.
  mutating func takeBack() {
    guard !given.isEmpty else { return }
    given.removeLast()
    count -= 1
  }

  /// Takes flows of which all agents have spoken, or which have waited long enough.
  ///
  /// - Parameter refer: asks the referee about a flow.
  /// - Returns: samples without a label that counts, which need no longer be open.
  mutating func take(from keeper: Bookkeeper, refer: (LabelRequest, _ referee: String) -> Void) -> [UInt64] {
    let now = MonotonicClock.now
    let agents = settings.agents.count - (settings.referee == nil ? 0 : 1)
    var idle: [UInt64] = []
    for asked in keeper.settled(agents: agents, patience: settings.patience)
    where !taken.contains(asked.sample) {
      let merged = merging.merged(sample: asked.sample, asked.labels)
      if merged.isConflict, waits(for: asked, now, refer) { continue }
      referred[asked.sample] = nil
      taken.insert(asked.sample)
      guard let label = merging.merge(sample: asked.sample, asked.labels).label else {
        idle.append(asked.sample)
        continue
      }
      note(asked.flow, label, error: 1 - merged.confidence)
    }
    return idle
  }

  /// Whether the referee has not spoken of a flow yet and may still do so.
  private mutating func waits(
    for asked: AskedFlow, _ now: Duration, _ refer: (LabelRequest, String) -> Void
  ) -> Bool {
    if referred[asked.sample] == nil { conflicts += 1 }
    guard let referee = settings.referee, !asked.labels.contains(where: { $0.agent == referee }) else {
      return false
    }
    if let until = referred[asked.sample] { return now < until }
    referred[asked.sample] = now + settings.patience
    refer(asked.flow.request, referee)
    return true
  }

  private mutating func note(_ flow: ChosenFlow, _ label: Int, error: Double) {
    let request = flow.request
    count += 1
    known.append(request.features)
    if known.count > NoveltyMemory.rowLimit { known.removeFirst(known.count - NoveltyMemory.rowLimit) }
    let decision = decisions.take(request.sample)
    // Of flows that were drawn by chance: the others are not like all flows.
    if flow.reason == .random, let decision {
      rewards.append(decision.reward(isRight: request.prediction == label))
    }
    labelled.append(
      Settled(
        sample: request.sample,
        flow: OnlineClassifier.LabelledFlow(
          features: request.features.map { Float($0) }, prediction: request.prediction, label: label,
          inclusion: flow.probability, labelError: error), version: decision?.version))
  }

  /// Hands over what no window has had yet: of agents, and of people.
  mutating func hand() -> (flows: [Settled], given: [OnlineClassifier.LabelledFlow]) {
    defer { (labelled, given) = ([], []) }
    return (labelled, given)
  }

  func hasTaken(_ sample: UInt64) -> Bool { taken.contains(sample) }
  var isReferring: Bool { !referred.isEmpty }

  /// Whether labels wait for a window.
  var hasMore: Bool { !labelled.isEmpty || !given.isEmpty || !referred.isEmpty }

  /// Whether decisions were right, as far as it has become known since the last time.
  mutating func handRewards() -> [RewardSample] {
    defer { rewards = [] }
    return rewards
  }

  var newestVersion: UInt64 { decisions.newest }
  mutating func noteDecision(_ sample: FunctionSample) { decisions.note(sample) }

  /// Samples are no longer open.
  mutating func noteClosed(_ samples: [UInt64]) { taken.subtract(samples) }
}
