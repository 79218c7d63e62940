import MedullaDatapath

/// Which snapshot has decided a flow, and when: for the reward that a label is, when it comes. The last ones.
struct DecisionMemory {
  struct Decision {
    let version: UInt64
    let flow: UInt64
    /// Of the monotonic clock.
    let time: Duration

    /// 1 where it was right, else 0.
    func reward(isRight: Bool) -> RewardSample {
      RewardSample(version: version, unit: flow, reward: isRight ? 1 : 0, time: time)
    }
  }

  private var decisions: [UInt64: Decision] = [:]
  private var order: [UInt64] = []
  /// The newest snapshot that has decided anything.
  private(set) var newest: UInt64 = 0

  static let limit = 65_536

  mutating func note(_ sample: FunctionSample) {
    newest = max(newest, sample.version)
    let decision = Decision(
      version: sample.version, flow: sample.flow,
      time: .nanoseconds(Int64(clamping: sample.nanoseconds)))
    if decisions.updateValue(decision, forKey: sample.id) == nil { order.append(sample.id) }
    guard order.count >= 2 * Self.limit else { return }
    for old in order.prefix(order.count - Self.limit) { decisions[old] = nil }
    order.removeFirst(order.count - Self.limit)
  }

  /// nil: it is of before a restart, or too long ago.
  mutating func take(_ sample: UInt64) -> Decision? { decisions.removeValue(forKey: sample) }
}
