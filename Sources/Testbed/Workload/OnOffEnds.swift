import Foundation
import MedullaBase

/// Both ends of `OnOffFlows`.
struct OnOffEnds: FlowEnds {
  typealias Event = OnOffFlow.News

  private var pairs: FlowPairTable
  private var flows: [OnOffFlow]

  /// - Parameter start: when the first flow's first burst begins.
  init(_ plan: OnOffFlows.Plan, _ pairs: [FlowPair], start: UInt64) {
    self.pairs = FlowPairTable(pairs)
    var random = SeededGenerator(seed: plan.seed)
    let step = (plan.on.mean + plan.off.mean) / Double(pairs.count)
    flows = pairs.indices.map { number in
      OnOffFlow(
        number, on: plan.on, off: plan.off, seed: random.next(),
        start: start &+ UInt64(Double(number) * step * 1e9))
    }
  }

  var isIdle: Bool { pairs.open.allSatisfy { flows[$0.number].openBursts == 0 } }

  func due(mayBegin: Bool) -> UInt64? {
    pairs.open.compactMap { flows[$0.number].due(mayBegin: mayBegin) }.min()
  }

  var watched: [pollfd] {
    pairs.open.flatMap { number, pair in
      [
        pollfd(fd: pair.opened, events: flows[number].isSending ? Int16(POLLOUT) : 0, revents: 0),
        pollfd(fd: pair.accepted, events: Int16(POLLIN), revents: 0),
      ]
    }
  }

  mutating func advance(to now: UInt64, mayBegin: Bool) -> [Event] {
    pairs.open.flatMap { flows[$0.number].advance(to: now, mayBegin: mayBegin) }
  }

  mutating func serve(_ descriptor: Int32) -> [Event] {
    guard let (number, end) = pairs.place(of: descriptor) else { return [] }
    switch end {
    case .opened:
      guard flows[number].isSending else {
        let error = NamespaceSocket.pendingError(descriptor)
        return broken(number, error == 0 ? "the connection ended" : NamespaceSocket.text("send", error))
      }
      let turn = PayloadTurn.sending(.max, to: descriptor)
      flows[number].sent(turn.bytes)
      return turn.end.map { broken(number, $0.reason) } ?? []
    case .accepted:
      let turn = PayloadTurn.receiving(from: descriptor)
      let news = flows[number].read(turn.bytes, at: MonotonicClock.nanoseconds)
      return news + (turn.end.map { broken(number, $0.reason) } ?? [])
    }
  }

  mutating func close() { pairs.closeAll() }

  private mutating func broken(_ number: Int, _ reason: String) -> [Event] {
    pairs.close(number)
    return [.broken(reason, open: flows[number].openBursts)]
  }
}
