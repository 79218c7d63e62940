import MedullaBase

/// How much the book holds.
package struct BookLimits: Sendable, Equatable {
  /// Flows that are asked about at once; beyond it the oldest goes.
  package var flows: Int
  /// How long a flow waits for labels, and labels for being learned from.
  package var age: Duration
  /// Labels of one flow: one of each agent.
  package var labels: Int
  /// Flows that were closed or have gone, of which late labels are told from strangers'.
  package var gone: Int

  package init(
    flows: Int = 16_384, age: Duration = .seconds(86_400), labels: Int = 32, gone: Int = 16_384
  ) {
    self.flows = flows
    self.age = age
    self.labels = labels
    self.gone = gone
  }

  package func check() throws(LabelBookError) {
    guard flows >= 1, flows <= 1 << 20, labels >= 1, labels <= 1 << 10, gone >= 0, gone <= 1 << 20,
      age >= .seconds(1), age <= .seconds(366 * 86_400)
    else {
      throw LabelBookError(
        .badSetting, "the book of labels cannot have these limits: \(self)",
        remedy: "It has 1 to 1,048,576 flows, 1 to 1,024 labels of each, and an age of a second to a year.")
    }
  }
}

/// A flow that labels were asked of, and those that came.
package struct AskedFlow: Sendable, Equatable {
  package let flow: ChosenFlow
  /// Since the Unix epoch.
  package let askedAt: Duration
  package fileprivate(set) var labels: [Label]

  package var sample: UInt64 { flow.request.sample }
}

/// What the book did so far, since the journal began.
package struct BookCounts: Sendable, Equatable, Codable {
  package var asked = 0
  package var labelled = 0
  /// Of the labels, those that name no class.
  package var abstained = 0
  package var closed = 0
  /// Flows that were too old, without any label.
  package var expired = 0
  /// Flows that were too old, with labels that nobody took.
  package var wasted = 0
  /// Flows that had to make room.
  package var evicted = 0

  package init() {}
}

/// What became of a label.
package enum LabelVerdict: String, Sendable, Equatable, Codable, CaseIterable {
  case kept
  /// The agent has labelled that flow already.
  case second
  /// Nobody asked about that sample.
  case unknown
  /// It was asked about, but is closed or has gone.
  case late
  /// No class of the network, or no confidence, or too many agents.
  case malformed
  /// It could not be written down, and too much waits already.
  case notRecorded
}

/// The flows that labels are wanted of and have come for, bounded in number and age. A value: times are
/// given to it, and the same entries in the same order give the same book.
package struct LabelBook: Sendable {
  package let limits: BookLimits
  /// How many classes labels may name.
  package let classes: Int
  package private(set) var counts = BookCounts()
  private var open: [UInt64: AskedFlow] = [:]
  /// In the order in which they were asked.
  private var order = SampleQueue()
  private var gone = SampleQueue()
  private var isGone: Set<UInt64> = []

  package init(limits: BookLimits = BookLimits(), classes: Int) {
    self.limits = limits
    self.classes = classes
  }

  package var count: Int { open.count }
  package subscript(sample: UInt64) -> AskedFlow? { open[sample] }

  /// In the order in which they were asked.
  package var flows: [AskedFlow] { order.all.compactMap { open[$0] } }

  /// - Returns: whether it was not asked about before, and its probability is one.
  package func accepts(_ flow: ChosenFlow) -> Bool {
    let sample = flow.request.sample
    return open[sample] == nil && !isGone.contains(sample) && flow.probability > 0 && flow.probability <= 1
  }

  package mutating func ask(_ flow: ChosenFlow, at now: Duration) {
    expire(at: now)
    guard accepts(flow) else { return }
    while open.count >= limits.flows, let oldest = popOldest() {
      counts.evicted += 1
      leave(oldest.sample)
    }
    open[flow.request.sample] = AskedFlow(flow: flow, askedAt: now, labels: [])
    order.append(flow.request.sample)
    counts.asked += 1
  }

  /// What would become of a label.
  ///
  /// - Parameter agents: those whose labels of the same flow are on their way into the book.
  package func verdict(_ label: Label, beside agents: [String] = [], at now: Duration) -> LabelVerdict {
    guard let asked = open[label.sample] else { return isGone.contains(label.sample) ? .late : .unknown }
    guard !isOld(asked, at: now) else { return .late }
    let isClass = label.label.map { (0..<classes).contains($0) } ?? true
    guard isClass, label.confidence >= 0, label.confidence <= 1, label.cost.isFinite, label.cost >= 0,
      !label.agent.isEmpty, label.agent.utf8.count <= Self.nameBytes
    else { return .malformed }
    guard !agents.contains(label.agent), !asked.labels.contains(where: { $0.agent == label.agent })
    else { return .second }
    return asked.labels.count + agents.count < limits.labels ? .kept : .malformed
  }

  /// Takes a label, if it is to be kept.
  package mutating func note(_ label: Label, at now: Duration) {
    expire(at: now)
    guard verdict(label, at: now) == .kept else { return }
    open[label.sample]?.labels.append(label)
    counts.labelled += 1
    if label.label == nil { counts.abstained += 1 }
  }

  /// Flows whose labels can be used: all of `agents` have said something, or the patience with them is over.
  package func settled(agents: Int, patience: Duration, at now: Duration) -> [AskedFlow] {
    flows.filter {
      !$0.labels.isEmpty && ($0.labels.count >= agents || now - $0.askedAt >= patience)
    }
  }

  package mutating func close(_ samples: [UInt64], at now: Duration) {
    expire(at: now)
    let there = samples.filter { open.removeValue(forKey: $0) != nil }
    guard !there.isEmpty else { return }
    counts.closed += there.count
    // A sample that was forgotten may be asked about again, and then stands at the end only.
    order.removeAll { open[$0] == nil }
    for sample in there { leave(sample) }
  }

  /// Lets go of what is too old.
  package mutating func expire(at now: Duration) {
    while let first = order.first {
      guard let asked = open[first], isOld(asked, at: now) else { return }
      order.removeFirst()
      open[first] = nil
      if asked.labels.isEmpty { counts.expired += 1 } else { counts.wasted += 1 }
      leave(first)
    }
  }

  private func isOld(_ asked: AskedFlow, at now: Duration) -> Bool { now - asked.askedAt > limits.age }

  private mutating func popOldest() -> AskedFlow? {
    guard let first = order.first else { return nil }
    order.removeFirst()
    return open.removeValue(forKey: first)
  }

  private mutating func leave(_ sample: UInt64) {
    guard limits.gone > 0 else { return }
    if isGone.insert(sample).inserted { gone.append(sample) }
    while isGone.count > limits.gone, let oldest = gone.first {
      gone.removeFirst()
      isGone.remove(oldest)
    }
  }

  private static let nameBytes = 64
}

extension LabelBook: Equatable {
  package static func == (one: LabelBook, other: LabelBook) -> Bool {
    one.limits == other.limits && one.classes == other.classes && one.counts == other.counts
      && one.flows == other.flows && one.gone.all == other.gone.all
  }
}

// The book from its journal, and the journal from the book.
extension LabelBook {
  package mutating func apply(_ entry: BookEntry) {
    switch entry {
    case .asked(let flow, let time): ask(flow, at: .nanoseconds(time))
    case .labelled(let label, let time): note(label, at: .nanoseconds(time))
    case .closed(let samples, let time): close(samples, at: .nanoseconds(time))
    case .counts(let counts): self.counts = counts
    case .gone(let samples): for sample in samples { leave(sample) }
    case .spent, .purse: break
    }
  }

  /// The shortest entries from which the same book follows.
  var entries: [BookEntry] {
    var entries: [BookEntry] = []
    for asked in flows {
      let time = asked.askedAt.nanoseconds
      entries.append(.asked(flow: asked.flow, at: time))
      // No label came before its flow, and none is older than the next entry's time.
      entries += asked.labels.map { .labelled(label: $0, at: time) }
    }
    if !gone.all.isEmpty { entries.append(.gone(samples: gone.all)) }
    entries.append(.counts(counts))
    return entries
  }
}
