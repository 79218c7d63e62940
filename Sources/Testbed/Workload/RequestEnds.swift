import Foundation
import MedullaBase

/// Both ends of `RequestResponse`: the opened sockets ask, the accepted ones answer.
struct RequestEnds: FlowEnds {
  typealias Event = RequestCycle.News

  private var pairs: FlowPairTable
  private var cycles: [RequestCycle]

  init(_ plan: RequestResponse.Plan, _ pairs: [FlowPair], start: UInt64) {
    self.pairs = FlowPairTable(pairs)
    var random = SeededGenerator(seed: plan.seed)
    cycles = pairs.indices.map { RequestCycle($0, plan, seed: random.next(), start: start) }
  }

  var isIdle: Bool { pairs.open.allSatisfy { !cycles[$0.number].isAsking } }

  func due(mayBegin: Bool) -> UInt64? {
    pairs.open.compactMap { cycles[$0.number].due(mayBegin: mayBegin) }.min()
  }

  var watched: [pollfd] {
    pairs.open.flatMap { number, pair in
      [(pair.opened, cycles[number].requestLeft), (pair.accepted, cycles[number].answerLeft)].map {
        pollfd(fd: $0, events: Int16(POLLIN | ($1 > 0 ? POLLOUT : 0)), revents: 0)
      }
    }
  }

  mutating func advance(to now: UInt64, mayBegin: Bool) -> [Event] {
    var events: [Event] = []
    for (number, _) in pairs.open {
      events += follow(cycles[number].advance(to: now, mayBegin: mayBegin), number)
    }
    return events
  }

  mutating func serve(_ descriptor: Int32) -> [Event] {
    guard let (number, end) = pairs.place(of: descriptor) else { return [] }
    let read = PayloadTurn.receiving(from: descriptor)
    let news =
      switch end {
      case .opened: cycles[number].answerRead(read.bytes, at: MonotonicClock.nanoseconds)
      case .accepted: cycles[number].requestRead(read.bytes)
      }
    let events = follow(news, number)
    guard pairs.place(of: descriptor) != nil else { return events }
    if let ending = read.end { return events + follow(cycles[number].broken(ending.reason), number) }
    let wanted = end == .opened ? cycles[number].requestLeft : cycles[number].answerLeft
    let sent = PayloadTurn.sending(wanted, to: descriptor)
    switch end {
    case .opened: cycles[number].requestSent(sent.bytes)
    case .accepted: cycles[number].answerSent(sent.bytes)
    }
    return events + (sent.end.map { follow(cycles[number].broken($0.reason), number) } ?? [])
  }

  mutating func close() { pairs.closeAll() }

  private mutating func follow(_ news: RequestCycle.News?, _ number: Int) -> [Event] {
    if case .broken = news { pairs.close(number) }
    return news.map { [$0] } ?? []
  }
}
