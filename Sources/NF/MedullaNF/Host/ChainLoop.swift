import CLibBPF
import CMedullaNF
import CXDP
import Glibc
import MedullaBase
import MedullaKernel

/// The thread of a chain's host: recycles frames, and carries out the verdicts of functions.
///
/// A function's frames go back and forth by its own rings with the host, which looks at each descriptor: so a
/// function disposes of no frame but its own, and a quota holds whatever functions before it do.
final class ChainLoop {
  static let batch = 64
  /// Rounds without work between two looks at the clock.
  private static let idleLooks = 64
  static let housekeepingNanoseconds: UInt64 = 5_000_000
  /// So long nothing must have come before a host of mode `sleep` does.
  private static let restlessNanoseconds: UInt64 = 50_000
  /// Longest sleep while frames are on their way out, whose return wakes nobody.
  private static let sendingMilliseconds: Int32 = 1
  private static let idleMilliseconds: Int32 = 10

  let settings: ChainSettings
  let memory: PacketMemory
  var ledger: FrameLedger
  let demultiplexer: Demultiplexer
  /// Whose classes rules ask for; nil: none does.
  let classifier: ClassifierWatch?
  let queues: [InterfaceQueue]
  let functions: [HostedFunction]
  let listener: Int32
  /// What `stop` wakes this thread by.
  let wake: Int32
  private let frameShift: Int
  private let scratch: UnsafeMutablePointer<nf_descriptor>
  /// By interface, the queue that frames are sent by.
  private let senders: [InterfaceQueue]
  /// How many of the queues receive; the first ones.
  let receivers: Int
  var pending: [PendingChannel] = []

  init(_ settings: ChainSettings, object: [UInt8], listener: Int32, wake: Int32) throws {
    try settings.check()
    self.settings = settings
    self.listener = listener
    self.wake = wake
    memory = try PacketMemory(
      settings.memory, name: settings.name, isSealed: !settings.functions.contains(where: \.isWritable))
    let packets = try PacketRings(memory, settings)
    queues = packets.queues
    receivers = packets.receivers
    senders = packets.senders
    ledger = FrameLedger(frames: memory.frameCount, functions: settings.functions.count)
    functions = Self.functions(settings, queues: receivers)
    let index = if_nametoindex(settings.interface)
    classifier = try Self.classifier(settings)
    demultiplexer = try Demultiplexer(
      object: object, rules: Self.entries(settings), flows: classifier?.table,
      knowsTime: settings.knowsTime, interface: index)
    frameShift = memory.frameBytes.trailingZeroBitCount
    scratch = .allocate(capacity: Self.batch)
    for function in functions where function.isEntry {
      let action = function.settings.fallback == .kernel ? XDP_PASS : XDP_DROP
      for queue in 0..<receivers {
        demultiplexer.set(fallback: action.rawValue, seat: Self.seat(function.number, queue))
      }
    }
  }

  deinit { scratch.deallocate() }

  static func seat(_ function: Int, _ queue: Int) -> Int { function * Int(NF_QUEUES) + queue }

  private static func entries(_ settings: ChainSettings) -> [nf_rule] {
    settings.rules.map { rule in
      let number = settings.functions.firstIndex { $0.name == rule.function }
      return rule.entry(function: number.map(UInt32.init) ?? NF_NO_FUNCTION)
    }
  }

  private static func classifier(_ settings: ChainSettings) throws -> ClassifierWatch? {
    guard let name = settings.classifiers.first else { return nil }
    guard let pins = settings.classifier else {
      throw NFError(.badSettings, "nobody has looked up the classifier \(name), which rules name")
    }
    return try ClassifierWatch(name, pins)
  }

  private static func functions(_ settings: ChainSettings, queues: Int) -> [HostedFunction] {
    let interfaces = [settings.interface] + settings.outputs
    func target(_ target: ChainFunction.Target) -> HostedFunction.Target {
      switch target {
      case .release: .release
      case .function(let name):
        settings.functions.firstIndex { $0.name == name }.map(HostedFunction.Target.function) ?? .release
      case .interface(let name):
        interfaces.firstIndex(of: name).map(HostedFunction.Target.interface) ?? .release
      }
    }
    return settings.functions.enumerated().map { number, function in
      HostedFunction(
        function, number: number, isEntry: settings.entries.contains(function.name),
        targets: [.release, target(function.next)] + function.branches.map(target), queues: queues,
        mostHeld: settings.mostHeld(by: function))
    }
  }

  // MARK: The rounds

  /// Runs until `isStopped` says so.
  func run(isStopped: () -> Bool, publish: (ChainReport) -> Void) {
    var (idle, begun, housekept) = (0, UInt64(0), UInt64(0))
    while true {
      let work = round()
      idle = work > 0 ? 0 : idle + 1
      if idle == 1 { begun = 0 }
      if idle > 0 { settings.mode == .spin ? nf_pause() : void(sched_yield()) }
      guard idle % Self.idleLooks == 0 else { continue }
      // Every round with work comes here too: the clock costs little beside a batch.
      let now = MonotonicClock.nanoseconds
      if now - housekept >= Self.housekeepingNanoseconds {
        housekept = now
        if isStopped() {
          end()
          return publish(report())
        }
        housekeep(now)
        publish(report())
      }
      guard idle > 0, settings.mode == .sleep else { continue }
      if begun == 0 { begun = now }
      if now - begun > Self.restlessNanoseconds { sleep() }
    }
  }

  private func void(_ status: Int32) {}

  /// One look at everything; how much there was to do.
  private func round() -> Int {
    var work = 0
    for function in functions where function.state == .present { work &+= drain(function) }
    for queue in queues { work &+= queue.complete(&ledger, frameBytes: memory.frameBytes) }
    for number in 0..<receivers { queues[number].refill(&ledger, frameBytes: memory.frameBytes) }
    for function in functions where function.stagedCount > 0 {
      if !function.flush() { leave(function, "its ring's index is nonsense") }
    }
    return work
  }

  /// Carries out what a function says of its frames.
  private func drain(_ function: HostedFunction) -> Int {
    var work = 0
    if !function.settings.ownsReceive {
      for socket in function.sockets { work &+= receive(function, socket) }
    }
    let count = Int(nf_consume(&function.consumer, scratch, UInt32(Self.batch)))
    guard count > 0 else {
      if function.consumer.is_broken != 0 { leave(function, "its ring's index is nonsense") }
      return work
    }
    for index in 0..<count {
      let frame = Int(truncatingIfNeeded: nf_place(scratch[index])) >> frameShift
      if frame < memory.frameCount {
        nf_prefetch(memory.base + (frame &* memory.frameBytes &+ PacketMemory.stampOffset))
      }
    }
    if function.ownsReceive, !hasSoundRings(function) { return work }
    measure(function)
    for index in 0..<count { carryOut(scratch[index], of: function) }
    if function.isEntry {
      for queue in 0..<receivers {
        demultiplexer.set(
          returned: function.seatReturned[queue], seat: Self.seat(function.number, queue))
      }
    }
    return work &+ count
  }

  @inline(__always)
  private func carryOut(_ descriptor: nf_descriptor, of function: HostedFunction) {
    let place = Int(truncatingIfNeeded: nf_place(descriptor))
    let frame = place >> frameShift
    let length = Int(nf_length(descriptor))
    guard frame < memory.frameCount,
      length <= memory.frameBytes &- (place &- frame << frameShift),
      case .taken(let seat) = ledger.take(
        frame, from: function.number, stamp: memory.stamp(ofFrame: frame), epoch: function.epoch)
    else {
      function.forged &+= 1
      return
    }
    function.returned &+= 1
    if let seat { function.seatReturned[Int(seat) % Int(NF_QUEUES)] &+= 1 }
    let verdict = Int(nf_verdict(descriptor))
    // A branch that the chain's file does not have leads nowhere.
    switch verdict < function.targets.count ? function.targets[verdict] : .release {
    case .release: ledger.release(frame)
    case .function(let next): hand(frame, descriptor, to: functions[next])
    case .interface(let number):
      guard length >= InterfaceQueue.leastBytes,
        senders[number].send(place: UInt64(place), length: UInt32(length))
      else {
        senders[number].refused &+= 1
        return ledger.release(frame)
      }
      ledger.send(frame)
    }
  }

  @inline(__always)
  private func hand(_ frame: Int, _ descriptor: nf_descriptor, to next: HostedFunction) {
    guard next.state == .present else {
      next.absent &+= 1
      return ledger.release(frame)
    }
    guard ledger.heldCount(by: next.number) < next.settings.quota else {
      next.overQuota &+= 1
      return ledger.release(frame)
    }
    ledger.hand(frame, to: next.number)
    next.handed &+= 1
    next.stage(nf_describe(nf_place(descriptor), nf_length(descriptor), 0))
  }

  /// Takes frames from a receive ring for a function that has none of its own.
  private func receive(_ function: HostedFunction, _ socket: ReceiveSocket) -> Int {
    var first: UInt32 = 0
    let count = xsk_ring_cons__peek(socket.ring, UInt32(Self.batch), &first)
    guard count > 0 else { return 0 }
    for index in 0..<count {
      guard let entry = xsk_ring_cons__rx_desc(socket.ring, first &+ index) else { break }
      function.stage(nf_describe(entry.pointee.addr, entry.pointee.len, 0))
    }
    xsk_ring_cons__release(socket.ring, count)
    return Int(count)
  }

  /// How long ago the first frame of a batch was received.
  private func measure(_ function: HostedFunction) {
    guard settings.knowsTime else { return }
    let frame = Int(truncatingIfNeeded: nf_place(scratch[0])) >> frameShift
    guard frame < memory.frameCount else { return }
    let received = memory.stamp(ofFrame: frame).nanoseconds
    let now = MonotonicClock.nanoseconds
    if received > 0, now > received { function.latency.add(now - received) }
  }

  /// Sleeps until a function has returned something, or there is something else to see to.
  private func sleep() {
    for function in functions where function.state == .present {
      guard nf_may_sleep(&function.consumer) != 0 else { return awaken() }
    }
    var watched = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
    for function in functions where function.state == .present {
      watched.append(pollfd(fd: function.channel, events: Int16(POLLIN), revents: 0))
      guard !function.settings.ownsReceive else { continue }
      for socket in function.sockets {
        watched.append(pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0))
      }
    }
    _ = poll(
      &watched, nfds_t(watched.count), ledger.inSending > 0 ? Self.sendingMilliseconds : Self.idleMilliseconds
    )
    awaken()
    var count: UInt64 = 0
    if watched[0].revents != 0 { _ = read(wake, &count, MemoryLayout<UInt64>.size) }
    for function in functions where function.state == .present { hear(function) }
  }

  private func awaken() {
    for function in functions where function.state == .present { nf_has_woken(&function.consumer) }
  }

  /// Ends all functions: they see their channels end. What they have is lost.
  private func end() {
    for function in functions where function.state != .absent {
      countLost(function)
      for queue in 0..<(function.isEntry ? receivers : 0) {
        try? demultiplexer.close(seat: Self.seat(function.number, queue))
      }
      function.lost += UInt64(ledger.heldCount(by: function.number) + out(function))
      function.seatReturned = delivered(function)
      function.close()
      function.state = .absent
    }
    for channel in pending { close(channel.descriptor) }
    pending = []
  }
}
