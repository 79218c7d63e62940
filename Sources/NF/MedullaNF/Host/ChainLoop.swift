import CMedullaNF
import Glibc
import MedullaBase

/// The thread of a chain's host: recycles frames, and carries out the verdicts of functions.
///
/// A function's frames go back and forth by its own rings with the host, which looks at each descriptor: so a
/// function disposes of no frame but its own, and a quota holds whatever functions before it do.
final class ChainLoop<Engine: PacketEngine> {
  let settings: ChainSettings
  let engine: Engine
  let memory: PacketMemory
  var ledger: FrameLedger
  let functions: [HostedFunction]
  let listener: Int32
  /// What `stop` wakes this thread by.
  let wake: Int32
  private let frameShift: Int
  private let scratch: UnsafeMutablePointer<nf_descriptor>
  var pending: [PendingChannel] = []

  /// - Parameter settings: that were checked.
  init(_ settings: ChainSettings, engine: Engine, listener: Int32, wake: Int32) {
    self.settings = settings
    self.engine = engine
    self.listener = listener
    self.wake = wake
    memory = engine.memory
    ledger = FrameLedger(frames: memory.frameCount, functions: settings.functions.count)
    functions = Self.functions(settings, queues: engine.receivers)
    frameShift = memory.frameBytes.trailingZeroBitCount
    scratch = .allocate(capacity: LoopPace.batch)
  }

  deinit { scratch.deallocate() }

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
    engine.begin()
    while true {
      let work = round()
      idle = work > 0 ? 0 : idle + 1
      if idle == 1 { begun = 0 }
      if idle > 0 { settings.mode == .spin ? nf_pause() : void(sched_yield()) }
      guard idle % LoopPace.idleLooks == 0 else { continue }
      // Every round with work comes here too: the clock costs little beside a batch.
      let now = MonotonicClock.nanoseconds
      if now - housekept >= LoopPace.housekeepingNanoseconds {
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
      if now - begun > LoopPace.restlessNanoseconds { sleep() }
    }
  }

  private func void(_ status: Int32) {}

  /// One look at everything; how much there was to do.
  private func round() -> Int {
    var work = 0
    for function in functions where function.state == .present { work &+= drain(function) }
    work &+= engine.look(&ledger, functions)
    for function in functions where function.stagedCount > 0 {
      if !function.flush() { leave(function, "its ring's index is nonsense") }
    }
    return work
  }

  /// Carries out what a function says of its frames.
  private func drain(_ function: HostedFunction) -> Int {
    var work = 0
    if !function.settings.ownsReceive { work &+= engine.receive(for: function) }
    let count = Int(nf_consume(&function.consumer, scratch, UInt32(LoopPace.batch)))
    guard count > 0 else {
      if function.consumer.is_broken != 0 { leave(function, "its ring's index is nonsense") }
      return work
    }
    if Engine.readsStamps { prefetchStamps(count) }
    guard engine.hasSoundRings(function) else {
      leave(function, "its receive ring's index is nonsense")
      return work
    }
    measure(function)
    for index in 0..<count { carryOut(scratch[index], of: function) }
    engine.settle(function)
    return work &+ count
  }

  private func prefetchStamps(_ count: Int) {
    for index in 0..<count {
      let frame = Int(truncatingIfNeeded: nf_place(scratch[index])) >> frameShift
      if frame < memory.frameCount {
        nf_prefetch(memory.base + (frame &* memory.frameBytes &+ memory.stampOffset))
      }
    }
  }

  @inline(__always)
  private func carryOut(_ descriptor: nf_descriptor, of function: HostedFunction) {
    let place = Int(truncatingIfNeeded: nf_place(descriptor))
    let frame = place >> frameShift
    let length = Int(nf_length(descriptor))
    guard frame < memory.frameCount,
      length <= memory.frameBytes &- (place &- frame << frameShift),
      engine.take(frame, from: function, &ledger)
    else {
      function.forged &+= 1
      return
    }
    function.returned &+= 1
    let verdict = Int(nf_verdict(descriptor))
    // A branch that the chain's file does not have leads nowhere.
    switch verdict < function.targets.count ? function.targets[verdict] : .release {
    case .release: engine.release(frame, &ledger)
    case .function(let next): hand(frame, descriptor, to: functions[next])
    case .interface(let number): engine.send(frame, descriptor, by: number, &ledger)
    }
  }

  @inline(__always)
  private func hand(_ frame: Int, _ descriptor: nf_descriptor, to next: HostedFunction) {
    guard next.state == .present else {
      next.absent &+= 1
      return engine.release(frame, &ledger)
    }
    guard ledger.heldCount(by: next.number) < next.settings.quota else {
      next.overQuota &+= 1
      return engine.release(frame, &ledger)
    }
    ledger.hand(frame, to: next.number)
    next.handed &+= 1
    next.stage(nf_describe(nf_place(descriptor), nf_length(descriptor), 0))
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
      &watched, nfds_t(watched.count),
      ledger.inSending > 0 ? LoopPace.sendingMilliseconds : LoopPace.idleMilliseconds
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
      engine.countLost(function)
      engine.abandon(function)
      function.lost += UInt64(ledger.heldCount(by: function.number))
      function.close()
      function.state = .absent
    }
    for channel in pending { close(channel.descriptor) }
    pending = []
    engine.end(&ledger)
  }
}

/// How often a host's loop looks at what.
enum LoopPace {
  static let batch = 64
  /// Rounds without work between two looks at the clock.
  static let idleLooks = 64
  static let housekeepingNanoseconds: UInt64 = 5_000_000
  /// So long nothing must have come before a host of mode `sleep` does.
  static let restlessNanoseconds: UInt64 = 50_000
  /// Longest sleep while frames are on their way out, whose return wakes nobody.
  static let sendingMilliseconds: Int32 = 1
  static let idleMilliseconds: Int32 = 10
}
