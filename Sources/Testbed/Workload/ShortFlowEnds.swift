import CHost
import Foundation
import MedullaBase
import TestbedLink

/// Both ends of `ShortFlows`.
struct ShortFlowEnds: FlowEnds {
  typealias Event = FlowEvent<ShortFlows.Completion>

  /// The sending end of a flow.
  private struct Sender {
    let bytes: Int
    let begun: UInt64
    var sent = 0
    var isConnected = false
    /// The receiver's number, as it comes in.
    var answer: [UInt8] = []
  }

  /// The receiving end.
  private struct Receiver {
    var bytes: UInt64 = 0
    /// Bytes of the answer that are out; nil while still reading.
    var answered: Int?
  }

  private static let answerBytes = 8

  private let plan: ShortFlows.Plan
  private let namespace: String
  private let listener: Int32
  private let interval: DrawnSeconds
  private var senders: [Int32: Sender] = [:]
  private var receivers: [Int32: Receiver] = [:]
  private var next: UInt64
  private var random: SeededGenerator

  /// - Parameter namespace: where flows begin, as a path.
  init(_ plan: ShortFlows.Plan, namespace: String, listener: Int32) {
    self.plan = plan
    self.namespace = namespace
    self.listener = listener
    interval = DrawnSeconds(mean: plan.interval, isExponential: plan.isPoisson)
    next = MonotonicClock.nanoseconds
    random = SeededGenerator(seed: plan.seed)
  }

  /// Flows come often, so the thread stays in the namespace.
  mutating func enter() throws {
    let entered = medulla_enter_network_namespace(namespace)
    guard entered == 0 else { throw NamespaceSocket.failure("enter the client's namespace", -entered) }
  }

  var isIdle: Bool { senders.isEmpty }

  func due(mayBegin: Bool) -> UInt64? { mayBegin && !waitsForEnd ? next : nil }

  /// Whether a flow is under way after which the next one begins.
  private var waitsForEnd: Bool { plan.oneAfterAnother && !senders.isEmpty }

  var watched: [pollfd] {
    var watched = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
    for (descriptor, sender) in senders {
      let wish = sender.isConnected && sender.sent == sender.bytes ? POLLIN : POLLOUT
      watched.append(pollfd(fd: descriptor, events: Int16(wish), revents: 0))
    }
    for (descriptor, receiver) in receivers {
      let wish = receiver.answered == nil ? POLLIN : POLLOUT
      watched.append(pollfd(fd: descriptor, events: Int16(wish), revents: 0))
    }
    return watched
  }

  mutating func advance(to now: UInt64, mayBegin: Bool) -> [Event] {
    var events: [Event] = []
    giveUp(at: now, &events)
    while mayBegin, next <= now, !waitsForEnd {
      next = (plan.oneAfterAnother ? now : next) &+ interval.nanoseconds(&random)
      begin(at: now, &events)
    }
    return events
  }

  mutating func serve(_ descriptor: Int32) -> [Event] {
    var events: [Event] = []
    if descriptor == listener {
      for accepted in NamespaceSocket.accept(listener) { receivers[accepted] = Receiver() }
    } else if senders[descriptor] != nil {
      serve(sender: descriptor, &events)
    } else {
      serve(receiver: descriptor)
    }
    return events
  }

  mutating func close() {
    for descriptor in Array(senders.keys) + Array(receivers.keys) + [listener] { Glibc.close(descriptor) }
    senders = [:]
    receivers = [:]
  }

  private mutating func begin(at now: UInt64, _ events: inout [Event]) {
    guard senders.count < ShortFlows.limit else { return events.append(.skipped) }
    events.append(.begun)
    let bytes = drawBytes()
    do {
      let descriptor = try NamespaceSocket.tcpClient(
        LinkEmulator.Address.server, port: ShortFlows.port, congestion: plan.congestion)
      senders[descriptor] = Sender(bytes: bytes, begun: now)
    } catch {
      events.append(.broken("\(error)", open: 1))
    }
  }

  private mutating func drawBytes() -> Int {
    if let sizes = plan.sizes { return sizes.quantile(random.unit()) }
    guard plan.bytes.count > 1 else { return plan.bytes.lowerBound }
    return Int(random.logUniform(Double(plan.bytes.lowerBound)...Double(plan.bytes.upperBound)))
  }

  private mutating func serve(sender descriptor: Int32, _ events: inout [Event]) {
    guard var sender = senders[descriptor] else { return }
    if !sender.isConnected {
      let error = NamespaceSocket.pendingError(descriptor)
      guard error == 0 else {
        return end(descriptor, .broken(NamespaceSocket.text("connect", error), open: 1), &events)
      }
      sender.isConnected = true
      events.append(.connected)
    }
    if sender.sent < sender.bytes {
      let turn = PayloadTurn.sending(sender.bytes - sender.sent, to: descriptor)
      if let ending = turn.end { return end(descriptor, .broken(ending.reason, open: 1), &events) }
      sender.sent += turn.bytes
      if sender.sent == sender.bytes { shutdown(descriptor, Int32(SHUT_WR)) }
      senders[descriptor] = sender
      return
    }
    var answer = [UInt8](repeating: 0, count: Self.answerBytes)
    let count = recv(descriptor, &answer, Self.answerBytes - sender.answer.count, 0)
    if count < 0 {
      if errno == EAGAIN { return }
      return end(descriptor, .broken(NamespaceSocket.text("receive", errno), open: 1), &events)
    }
    guard count > 0 else {
      return end(descriptor, .broken("the receiver closed without an answer", open: 1), &events)
    }
    sender.answer += answer[..<count]
    senders[descriptor] = sender
    guard sender.answer.count == Self.answerBytes else { return }
    let read = sender.answer.enumerated().reduce(UInt64(0)) {
      $0 | UInt64($1.element) << UInt64(8 * $1.offset)
    }
    let seconds = Double(MonotonicClock.nanoseconds &- sender.begun) / 1e9
    let whole = read == UInt64(sender.bytes)
    end(
      descriptor,
      whole
        ? .completed(.init(bytes: sender.bytes, seconds: seconds))
        : .broken("the receiver read another number", open: 1),
      &events)
  }

  private mutating func serve(receiver descriptor: Int32) {
    guard var receiver = receivers[descriptor] else { return }
    if receiver.answered == nil {
      let turn = PayloadTurn.receiving(from: descriptor)
      receiver.bytes += UInt64(turn.bytes)
      switch turn.end {
      case .closed: receiver.answered = 0
      case .failed: return drop(receiver: descriptor)
      case nil: break
      }
    }
    if let answered = receiver.answered {
      let answer = (0..<Self.answerBytes).map { UInt8(truncatingIfNeeded: receiver.bytes >> UInt64(8 * $0)) }
      let count = send(
        descriptor, Array(answer[answered...]), Self.answerBytes - answered, Int32(MSG_NOSIGNAL))
      if count < 0, errno != EAGAIN { return drop(receiver: descriptor) }
      receiver.answered = answered + max(0, count)
      if receiver.answered == Self.answerBytes { return drop(receiver: descriptor) }
    }
    receivers[descriptor] = receiver
  }

  private mutating func giveUp(at now: UInt64, _ events: inout [Event]) {
    let limit = UInt64(plan.patience * 1e9)
    for (descriptor, sender) in senders where now > sender.begun &+ limit {
      end(descriptor, .broken("not complete after \(short(plan.patience)) s", open: 1), &events)
    }
  }

  private mutating func end(_ descriptor: Int32, _ event: Event, _ events: inout [Event]) {
    senders[descriptor] = nil
    Glibc.close(descriptor)
    events.append(event)
  }

  private mutating func drop(receiver descriptor: Int32) {
    receivers[descriptor] = nil
    Glibc.close(descriptor)
  }
}
