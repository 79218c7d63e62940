import MedullaBase

/// Labels flows by what nDPI finds in their payloads.
///
/// A flow whose packets do not tell it yet may be waited for: its label comes with a later call. It
/// abstains from flows of which it has seen no packet, and from those whose protocol stands for no class.
package final class NDPIAgent: LabelingAgent {
  private struct Waiting {
    let request: LabelRequest
    let until: Duration
  }

  /// Flows that are waited for, at most.
  package static let waitingLimit = 4_096

  package let name: String
  /// What it knows of flows; lists use it too, as `ListSources`.
  package let flows: NDPIFlows
  private let map: NDPIMap
  private let patience: Duration
  private let clock: () -> Duration
  private var waiting: [Waiting] = []

  /// - Parameters:
  ///   - patience: how long it waits for more packets of a flow; then, or with 0 at once, it answers by what
  ///     was seen until then, and no more of them are looked at.
  ///   - clock: the monotonic clock.
  /// - Throws: `badSetting` for names that nDPI does not have.
  package init(
    _ flows: NDPIFlows, map: NDPIMap, named name: String = "ndpi", patience: Duration = .seconds(2),
    clock: @escaping () -> Duration = { MonotonicClock.now }
  ) throws(NDPIError) {
    try flows.check(map)
    (self.name, self.flows, self.map) = (name, flows, map)
    (self.patience, self.clock) = (patience, clock)
  }

  package func label(_ requests: [LabelRequest]) -> [Label] {
    let now = clock()
    let before = waiting
    waiting = []
    return (before + requests.map { Waiting(request: $0, until: now + patience) })
      .compactMap { label($0, now: now) }
  }

  /// nil: it is waited for.
  private func label(_ asked: Waiting, now: Duration) -> Label? {
    let request = asked.request
    let mayWait = now < asked.until && waiting.count < Self.waitingLimit
    guard let ends = request.flow else { return Label(sample: request.sample, agent: name, label: nil) }
    // Packets may come to the reader of the interface later than the sample came here.
    guard let (finding, isFinal) = flows.finding(of: ends, settles: !mayWait) else {
      if mayWait {
        waiting.append(asked)
        return nil
      }
      return Label(sample: request.sample, agent: name, label: nil)
    }
    if !isFinal, mayWait {
      waiting.append(asked)
      return nil
    }
    guard let meaning = map.meaning(of: finding) else {
      return Label(sample: request.sample, agent: name, label: nil)
    }
    return Label(sample: request.sample, agent: name, label: meaning.label, confidence: meaning.confidence)
  }
}

extension ListSources {
  /// Domains and addresses of Ethernet as packets show them.
  package init(_ flows: NDPIFlows, devices: DeviceSource? = nil) {
    self.init(
      domain: { flows.finding(of: $0)?.finding.host }, addresses: { flows.addresses(of: $0) },
      devices: devices)
  }
}
