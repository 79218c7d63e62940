import Foundation

/// Both ends of `ShortFlows`, as one loop over `poll`.
struct FlowLoop {
  enum Event {
    case begun
    case connected
    case completed(bytes: Int, seconds: Double)
    case broken(String)
    case skipped
  }

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
  private static let chunkBytes = 65_536
  /// Chunks that one descriptor may move before the others have their turn.
  private static let chunksPerTurn = 4
  private static let waitMilliseconds: Int32 = 5

  private let plan: ShortFlows.Plan
  private let listener: Int32
  private var senders: [Int32: Sender] = [:]
  private var receivers: [Int32: Receiver] = [:]
  private var next: UInt64
  private var random: SplitMix64
  private var chunk = [UInt8](repeating: 0x6d, count: chunkBytes)

  init(_ plan: ShortFlows.Plan, listener: Int32) {
    self.plan = plan
    self.listener = listener
    next = monotonicNanoseconds()
    random = SplitMix64(seed: plan.seed)
  }

  var isIdle: Bool { senders.isEmpty }

  /// Begins the flows that are due, waits a moment for news, and follows it.
  mutating func turn(mayBegin: Bool) -> [Event] {
    var events: [Event] = []
    let now = monotonicNanoseconds()
    while mayBegin, next <= now {
      next &+= UInt64(max(1, plan.interval * 1e9 * (plan.isPoisson ? -log(1 - random.unit()) : 1)))
      begin(at: now, &events)
    }
    var watched = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
    for (descriptor, sender) in senders {
      let wish = sender.isConnected && sender.sent == sender.bytes ? POLLIN : POLLOUT
      watched.append(pollfd(fd: descriptor, events: Int16(wish), revents: 0))
    }
    for (descriptor, receiver) in receivers {
      let wish = receiver.answered == nil ? POLLIN : POLLOUT
      watched.append(pollfd(fd: descriptor, events: Int16(wish), revents: 0))
    }
    guard poll(&watched, nfds_t(watched.count), Self.waitMilliseconds) > 0 else {
      giveUp(at: now, &events)
      return events
    }
    if watched[0].revents != 0 { accept() }
    for item in watched.dropFirst() where item.revents != 0 {
      if senders[item.fd] != nil { serve(sender: item.fd, &events) } else { serve(receiver: item.fd) }
    }
    giveUp(at: now, &events)
    return events
  }

  /// Closes everything.
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
      events.append(.broken("\(error)"))
    }
  }

  private mutating func drawBytes() -> Int {
    if let sizes = plan.sizes { return sizes.quantile(random.unit()) }
    let (low, high) = (log(Double(plan.bytes.lowerBound)), log(Double(plan.bytes.upperBound)))
    return Int(exp(low + random.unit() * (high - low)))
  }

  private mutating func accept() {
    for _ in 0..<64 {
      let descriptor = Glibc.accept(listener, nil, nil)
      if descriptor < 0 { return }
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      receivers[descriptor] = Receiver()
    }
  }

  private mutating func serve(sender descriptor: Int32, _ events: inout [Event]) {
    guard var sender = senders[descriptor] else { return }
    if !sender.isConnected {
      let error = Self.pendingError(descriptor)
      guard error == 0 else { return end(descriptor, .broken(Self.text("connect", error)), &events) }
      sender.isConnected = true
      events.append(.connected)
    }
    if sender.sent < sender.bytes {
      for _ in 0..<Self.chunksPerTurn where sender.sent < sender.bytes {
        let count = send(
          descriptor, chunk, min(Self.chunkBytes, sender.bytes - sender.sent), Int32(MSG_NOSIGNAL))
        if count < 0 {
          if errno == EAGAIN { break }
          return end(descriptor, .broken(Self.text("send", errno)), &events)
        }
        sender.sent += count
      }
      if sender.sent == sender.bytes { shutdown(descriptor, Int32(SHUT_WR)) }
      senders[descriptor] = sender
      return
    }
    var answer = [UInt8](repeating: 0, count: Self.answerBytes)
    let count = recv(descriptor, &answer, Self.answerBytes - sender.answer.count, 0)
    if count < 0 {
      if errno == EAGAIN { return }
      return end(descriptor, .broken(Self.text("receive", errno)), &events)
    }
    guard count > 0 else { return end(descriptor, .broken("the receiver closed without an answer"), &events) }
    sender.answer += answer[..<count]
    senders[descriptor] = sender
    guard sender.answer.count == Self.answerBytes else { return }
    let read = sender.answer.enumerated().reduce(UInt64(0)) {
      $0 | UInt64($1.element) << UInt64(8 * $1.offset)
    }
    let seconds = Double(monotonicNanoseconds() &- sender.begun) / 1e9
    let whole = read == UInt64(sender.bytes)
    end(
      descriptor,
      whole ? .completed(bytes: sender.bytes, seconds: seconds) : .broken("the receiver read another number"),
      &events)
  }

  private mutating func serve(receiver descriptor: Int32) {
    guard var receiver = receivers[descriptor] else { return }
    if receiver.answered == nil {
      for _ in 0..<Self.chunksPerTurn {
        let count = recv(descriptor, &chunk, Self.chunkBytes, 0)
        if count < 0 {
          if errno == EAGAIN { break }
          return drop(receiver: descriptor)
        }
        if count == 0 {
          receiver.answered = 0
          break
        }
        receiver.bytes += UInt64(count)
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
      end(descriptor, .broken("not complete after \(short(plan.patience)) s"), &events)
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

  private static func pendingError(_ descriptor: Int32) -> Int32 {
    var error: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
    return error
  }

  private static func text(_ what: String, _ code: Int32) -> String {
    "\(what): \(String(cString: strerror(code)))"
  }
}
