import MedullaLabels
import Synchronization

/// Flows that the network was unsure of, on their way to an agent that is asked at once, and its answers on
/// their way back to the flows.
final class CascadeDesk {
  /// Tells the datapath of a flow's class: the flow's number in the instance, and the class's place.
  typealias Answering = (_ flow: UInt64, _ row: Int) -> Void

  let agent: String
  private let answering: Answering
  private let delivered: Deliveries
  /// Flows that wait, by their samples, in the order in which they came.
  private var flows: [UInt64: UInt64] = [:]
  private var order: [UInt64] = []
  private(set) var answered = 0

  /// Flows that wait; beyond it the oldest is no longer waited for.
  static let limit = 16_384

  /// Labels, from the agent's thread.
  final class Deliveries: Sendable {
    private let labels = Mutex<[Label]>([])

    func add(_ some: [Label]) {
      guard !some.isEmpty else { return }
      labels.withLock { labels in
        labels += some
        if labels.count > CascadeDesk.limit { labels.removeFirst(labels.count - CascadeDesk.limit) }
      }
    }

    func take() -> [Label] {
      labels.withLock { labels in
        defer { labels = [] }
        return labels
      }
    }
  }

  init(agent: String, delivered: Deliveries, answering: @escaping Answering) {
    (self.agent, self.delivered, self.answering) = (agent, delivered, answering)
  }

  func waits(for sample: UInt64) -> Bool { flows[sample] != nil }

  func note(_ sample: UInt64, flow: UInt64) {
    if flows.updateValue(flow, forKey: sample) == nil { order.append(sample) }
    while flows.count > Self.limit, !order.isEmpty { flows[order.removeFirst()] = nil }
  }

  /// Gives what has come to the datapath.
  func carry() {
    for label in delivered.take() {
      guard let row = label.label, let flow = flows.removeValue(forKey: label.sample) else { continue }
      answering(flow, row)
      answered += 1
    }
    if order.count > 2 * Self.limit { order.removeAll { flows[$0] == nil } }
  }
}
