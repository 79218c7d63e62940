import MedullaDatapath

/// Which snapshot has decided a flow, and when: for the reward that a label is, when it comes. The last ones.
struct DecisionMemory {
  private struct Decision {
    let version: UInt64
    let flow: UInt64
    let time: Duration
  }

  private var decisions: [UInt64: Decision] = [:]
  private var order: [UInt64] = []

  static let limit = 65_536

  mutating func note(_ sample: FunctionSample) {
    let decision = Decision(
      version: sample.version, flow: sample.flow,
      time: .nanoseconds(Int64(clamping: sample.nanoseconds)))
    if decisions.updateValue(decision, forKey: sample.id) == nil { order.append(sample.id) }
    guard order.count >= 2 * Self.limit else { return }
    for old in order.prefix(order.count - Self.limit) { decisions[old] = nil }
    order.removeFirst(order.count - Self.limit)
  }

  /// 1 where the decision was right, else 0; nil: it is of before a restart, or too long ago.
  mutating func reward(of sample: UInt64, isRight: Bool) -> RewardSample? {
    guard let decision = decisions.removeValue(forKey: sample) else { return nil }
    return RewardSample(
      version: decision.version, unit: decision.flow, reward: isRight ? 1 : 0, time: decision.time)
  }
}
