import CHost
import Foundation
import MedullaBase
import TestbedLink

/// Both ends of `FabricFlows`.
struct FabricEnds: FlowEnds, @unchecked Sendable {
  typealias Event = FlowEvent<FabricFlows.Completion>

  private struct Open {
    let begun: UInt64
    let late: Double
  }

  private struct Sender {
    let transfer: Int
    var sent = 0
    var isConnected = false
  }

  private struct Receiver {
    var transfer: Int?
    var bytes = 0
  }

  /// The head begins with the transfer's number.
  private static let numberBytes = 4
  private static let chunkBytes = 65_536
  /// Receivers are woken by so much, or by the end: one wake for each packet would cost more than the
  /// packets.
  private static let wakeBytes: Int32 = 49_152
  private static let filler = [UInt8](repeating: 0x6d, count: 65_536)

  private let plan: FabricFlows.Plan
  private let namespaces: [NetworkNamespace]
  private let services: [String]
  private let listeners: [Int32: Int]
  private var senders: [Int32: Sender] = [:]
  private var receivers: [Int32: Receiver] = [:]
  private var open: [Int: Open] = [:]
  private var history = FabricHistory()
  private let start: UInt64
  private var next = 0

  init(_ plan: FabricFlows.Plan, over fabric: Fabric) throws {
    self.plan = plan
    namespaces = (0..<fabric.plan.hosts).map(fabric.host)
    services = (0..<fabric.plan.hosts).map { fabric.address($0, .service) }
    var listeners: [Int32: Int] = [:]
    do {
      for (host, address) in services.enumerated() {
        let listener = try NamespaceSocket.tcpListener(
          in: namespaces[host], address, port: FabricFlows.port, congestion: plan.congestion,
          mark: plan.answerMark)
        listeners[listener] = host
        // What is accepted has it too.
        try NamespaceSocket.set(SO_RCVLOWAT, of: SOL_SOCKET, to: Self.wakeBytes, listener)
      }
    } catch {
      for listener in listeners.keys { Glibc.close(listener) }
      throw error
    }
    self.listeners = listeners
    start = MonotonicClock.nanoseconds
  }

  /// What else the machine does shall not be measured; where the priority is refused, flows that begin late
  /// tell of it.
  func enter() { _ = medulla_set_realtime(FabricFlows.realtimePriority) }

  private func due(_ transfer: Int) -> UInt64 {
    start &+ UInt64(clamping: plan.transfers[transfer].startNanoseconds)
  }

  var isIdle: Bool { open.isEmpty && senders.isEmpty }

  func due(mayBegin: Bool) -> UInt64? {
    mayBegin && next < plan.transfers.count ? due(next) : nil
  }

  var watched: [pollfd] {
    var watched = listeners.keys.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    watched += senders.keys.map { pollfd(fd: $0, events: Int16(POLLOUT), revents: 0) }
    watched += receivers.keys.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    return watched
  }

  mutating func advance(to now: UInt64, mayBegin: Bool) -> [Event] {
    var events: [Event] = []
    let limit = UInt64(plan.patience * 1e9)
    for (transfer, flow) in open where now > flow.begun &+ limit {
      open[transfer] = nil
      events.append(.broken("not complete after \(short(plan.patience)) s", open: 1))
    }
    while mayBegin, next < plan.transfers.count, due(next) <= now {
      begin(next, &events)
      next += 1
    }
    return events
  }

  mutating func serve(_ descriptor: Int32) -> [Event] {
    var events: [Event] = []
    if listeners[descriptor] != nil {
      for accepted in NamespaceSocket.accept(descriptor) { receivers[accepted] = Receiver() }
    } else if senders[descriptor] != nil {
      send(descriptor, &events)
    } else {
      receive(descriptor, &events)
    }
    return events
  }

  mutating func close() {
    for descriptor in Array(senders.keys) + Array(receivers.keys) + Array(listeners.keys) {
      Glibc.close(descriptor)
    }
    (senders, receivers) = ([:], [:])
  }

  private mutating func begin(_ number: Int, _ events: inout [Event]) {
    guard open.count < FabricFlows.openLimit else { return events.append(.skipped) }
    events.append(.begun)
    let transfer = plan.transfers[number]
    let now = MonotonicClock.nanoseconds
    let known = history.begin(number, transfer, at: now)
    let mark: UInt8? =
      switch plan.marking {
      case .none: nil
      case .given(let marks): marks[number]
      case .asked(let answer): answer(known)
      }
    do {
      let descriptor = try NamespaceSocket.within(namespaces[transfer.source]) {
        try NamespaceSocket.tcpClient(
          services[transfer.destination], port: FabricFlows.port, congestion: plan.congestion, mark: mark)
      }
      // The head leaves at once.
      try? NamespaceSocket.set(TCP_NODELAY, to: 1, descriptor)
      senders[descriptor] = Sender(transfer: number)
      open[number] = Open(begun: now, late: Double(now &- due(number)) / 1e9)
    } catch {
      events.append(.broken("\(error)", open: 1))
    }
  }

  private mutating func send(_ descriptor: Int32, _ events: inout [Event]) {
    guard var sender = senders[descriptor] else { return }
    let transfer = plan.transfers[sender.transfer]
    if !sender.isConnected {
      let error = NamespaceSocket.pendingError(descriptor)
      guard error == 0 else { return end(descriptor, NamespaceSocket.text("connect", error), &events) }
      sender.isConnected = true
      events.append(.connected)
      let number = UInt32(sender.transfer).littleEndian
      let head = withUnsafeBytes(of: number) { Array($0) } + Self.filler
      let count = Glibc.send(descriptor, head, transfer.headBytes, Int32(MSG_NOSIGNAL))
      guard count == transfer.headBytes else {
        return end(descriptor, NamespaceSocket.text("send the head", errno), &events)
      }
      sender.sent = count
    }
    if sender.sent < transfer.bytes {
      let turn = PayloadTurn.sending(transfer.bytes - sender.sent, to: descriptor)
      if let ending = turn.end { return end(descriptor, ending.reason, &events) }
      sender.sent += turn.bytes
    }
    history.note(sender.transfer, sent: sender.sent)
    senders[descriptor] = sender
    if sender.sent == transfer.bytes {
      // The kernel sends what it has, and closes.
      senders[descriptor] = nil
      Glibc.close(descriptor)
    }
  }

  private mutating func end(_ descriptor: Int32, _ reason: String, _ events: inout [Event]) {
    if let sender = senders.removeValue(forKey: descriptor), open.removeValue(forKey: sender.transfer) != nil
    {
      events.append(.broken(reason, open: 1))
    }
    Glibc.close(descriptor)
  }

  private mutating func receive(_ descriptor: Int32, _ events: inout [Event]) {
    guard var receiver = receivers[descriptor] else { return }
    var isOver = false
    withUnsafeTemporaryAllocation(byteCount: Self.chunkBytes, alignment: 16) { chunk in
      // Others have their turn after some chunks.
      for _ in 0..<8 {
        let count = recv(descriptor, chunk.baseAddress, Self.chunkBytes, Int32(MSG_DONTWAIT))
        if count <= 0 {
          isOver = count == 0 || (errno != EAGAIN && errno != EINTR)
          return
        }
        if receiver.transfer == nil, receiver.bytes == 0, count >= Self.numberBytes {
          receiver.transfer = Int(chunk.loadUnaligned(as: UInt32.self).littleEndian)
        }
        receiver.bytes += count
      }
    }
    receivers[descriptor] = receiver
    guard isOver else { return }
    receivers[descriptor] = nil
    Glibc.close(descriptor)
    guard let number = receiver.transfer, let flow = open.removeValue(forKey: number) else { return }
    guard receiver.bytes == plan.transfers[number].bytes else {
      return events.append(.broken("the receiver read another number", open: 1))
    }
    let seconds = Double(MonotonicClock.nanoseconds &- flow.begun) / 1e9
    events.append(.completed(.init(transfer: number, seconds: seconds, late: flow.late)))
  }
}

/// What senders remember of earlier flows between two hosts.
struct FabricHistory {
  private struct Pair: Hashable {
    let source: Int
    let destination: Int
  }

  private struct Past {
    let transfer: Int
    let begun: UInt64
  }

  private static let remembered = 3

  private var pairs: [Pair: [Past]] = [:]
  private var sent: [Int: Int] = [:]

  /// What is known at a flow's beginning, which is remembered for the next.
  mutating func begin(
    _ number: Int, _ transfer: FabricTransfer, at now: UInt64
  ) -> FabricFlows.Knowledge {
    let pair = Pair(source: transfer.source, destination: transfer.destination)
    let past = pairs[pair] ?? []
    let bytes = past.map { FabricTransfer.frameBytes(ofPayload: sent[$0.transfer] ?? 0) }
    let gap = past.first.map { Int((now &- $0.begun) / 1_000) } ?? 0
    pairs[pair] = Array(([Past(transfer: number, begun: now)] + past).prefix(Self.remembered))
    return FabricFlows.Knowledge(
      headBytes: transfer.headBytes, microsecondsSincePrevious: gap,
      previousBytes: bytes + [Int](repeating: 0, count: Self.remembered - bytes.count))
  }

  mutating func note(_ number: Int, sent bytes: Int) { sent[number] = bytes }
}
