import CMedullaNF
import Glibc
import MedullaBase

/// A process that has connected and is no function yet.
struct PendingChannel {
  let descriptor: Int32
  let user: UInt32
  /// nil: one that was started, whose channel was made before it.
  let process: Int?
  let deadline: UInt64
  /// Who it is, once it has said so; its predecessor may be about to leave.
  var function: HostedFunction?
}

/// How long and how many processes are waited for.
enum ComingLimits {
  static let patienceNanoseconds: UInt64 = 10_000_000_000
  /// After this the kernel delivers nothing to a seat that was closed: what was on its way has arrived.
  static let graceNanoseconds: UInt64 = 50_000_000
  static let pendingLimit = 64
  /// Of one user, so that it keeps no other from coming.
  static let pendingUserLimit = 8
}

// Functions come and go.
extension ChainLoop {
  /// What needs no looking at in every round.
  func housekeep(_ now: UInt64) {
    acceptChannels(now)
    greetPending(now)
    engine.housekeep(now)
    for function in functions {
      switch function.state {
      case .absent: break
      case .joining: advance(function, now)
      case .present:
        hear(function)
        engine.countLost(function)
      case .leaving: if now >= function.deadline { takeBack(function) }
      }
    }
  }

  private func acceptChannels(_ now: UInt64) {
    for _ in 0..<ComingLimits.pendingLimit {
      var (user, process) = (UInt32(0), Int32(0))
      let channel = nf_accept_channel(listener, &user, &process)
      guard channel >= 0 else { return }
      guard pending.count < ComingLimits.pendingLimit,
        pending.count(where: { $0.user == user }) < ComingLimits.pendingUserLimit
      else {
        close(channel)
        continue
      }
      pending.append(
        PendingChannel(
          descriptor: channel, user: user, process: Int(process),
          deadline: now + ComingLimits.patienceNanoseconds))
    }
  }

  /// A function was started with the other end of this channel.
  func adopt(_ name: String, _ channel: Int32) {
    let function = functions.first { $0.settings.name == name }
    pending.append(
      PendingChannel(
        descriptor: channel, user: geteuid(), process: nil,
        deadline: MonotonicClock.nanoseconds + ComingLimits.patienceNanoseconds, function: function))
    if function == nil { close(pending.removeLast().descriptor) }
  }

  private func greetPending(_ now: UInt64) {
    pending = pending.compactMap { channel in
      var channel = channel
      if channel.function == nil {
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<nf_hello>.size + 1)
        let count = recv(channel.descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN, now < channel.deadline { return channel }
        channel.function = bytes.prefix(max(count, 0)).withUnsafeBytes { function(saying: $0, channel) }
      }
      guard let function = channel.function, now < channel.deadline else {
        close(channel.descriptor)
        return nil
      }
      switch function.state {
      case .absent: join(function, channel: channel, now)
      case .joining, .leaving: return channel
      case .present:
        // Its predecessor's end may not have been seen yet.
        hear(function)
        if function.state == .leaving { return channel }
        close(channel.descriptor)
      }
      return nil
    }
  }

  private func function(saying bytes: UnsafeRawBufferPointer, _ channel: PendingChannel) -> HostedFunction? {
    guard let name = Handshake.function(saying: bytes),
      let function = functions.first(where: { $0.settings.name == name }),
      channel.user == 0 || channel.user == geteuid() || channel.user == function.settings.user
    else { return nil }
    return function
  }

  /// Gives a function what it works with; it begins once it has answered.
  private func join(_ function: HostedFunction, channel: PendingChannel, _ now: UInt64) {
    function.channel = channel.descriptor
    function.process = channel.process
    do {
      try equip(function)
      try send(welcome(function), to: function)
      function.state = .joining
      function.deadline = now + ComingLimits.patienceNanoseconds
    } catch {
      function.lastEnd = "\(error)"
      function.close()
    }
  }

  private func equip(_ function: HostedFunction) throws(NFError) {
    function.equip(try RingMemory(entries: function.ringEntries, name: function.settings.name))
    try engine.equip(function)
  }

  private func welcome(_ function: HostedFunction) -> nf_welcome {
    var welcome = nf_welcome()
    let settings = function.settings
    let owns = function.ownsReceive
    welcome.magic = UInt32(NF_WELCOME_MAGIC)
    welcome.version = UInt32(NF_WELCOME_VERSION)
    welcome.flags =
      (settings.isWritable ? UInt32(NF_WRITABLE) : 0) | (owns ? UInt32(NF_OWNS_RECEIVE) : 0)
      | (self.settings.knowsTime ? UInt32(NF_KNOWS_TIME) : 0)
    welcome.mode = self.settings.mode.number
    welcome.memory_bytes = UInt64(memory.byteCount)
    welcome.rings_bytes = UInt64(function.rings?.byteCount ?? 0)
    welcome.frame_bytes = UInt32(memory.frameBytes)
    welcome.frames = UInt32(memory.frameCount)
    welcome.ring_entries = UInt32(function.ringEntries)
    welcome.receive_entries = UInt32(function.sockets.first?.entries ?? 0)
    welcome.queues = owns ? UInt32(function.sockets.count) : 0
    welcome.quota = UInt32(settings.quota)
    welcome.branches = UInt32(settings.branches.count)
    welcome.stamp_offset = UInt32(memory.stampOffset)
    welcome.parameter_bytes = UInt32(settings.parameters.utf8.count)
    Self.write(self.settings.name, into: &welcome.chain)
    Self.write(settings.name, into: &welcome.function)
    withUnsafeMutableBytes(of: &welcome.branch) { bytes in
      for (index, branch) in settings.branches.enumerated() {
        let name =
          switch branch {
          case .release: ""
          case .function(let name), .interface(let name): name
          }
        let start = index * Int(NF_NAME_BYTES)
        for (place, byte) in name.utf8.prefix(Int(NF_NAME_BYTES) - 1).enumerated() {
          bytes[start + place] = byte
        }
      }
    }
    return welcome
  }

  private static func write<Field>(_ text: String, into field: inout Field) {
    withUnsafeMutableBytes(of: &field) { bytes in
      for (index, byte) in text.utf8.prefix(bytes.count - 1).enumerated() { bytes[index] = byte }
    }
  }

  private func send(_ welcome: nf_welcome, to function: HostedFunction) throws(NFError) {
    guard let rings = function.rings else { return }
    let message = withUnsafeBytes(of: welcome) { Array($0) } + Array(function.settings.parameters.utf8)
    let descriptors =
      [memory.descriptor(isWritable: function.settings.isWritable), rings.descriptor]
      + (welcome.queues > 0 ? function.sockets.map(\.descriptor) : [])
    let status = nf_send(
      function.channel, message, UInt64(message.count), descriptors, Int32(descriptors.count))
    guard status == 0 else { throw .system("greet the function \(function.settings.name)", status) }
  }

  private func advance(_ function: HostedFunction, _ now: UInt64) {
    var bytes = [UInt8](repeating: 0, count: MemoryLayout<nf_accept>.size + 1)
    let count = recv(function.channel, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    if count < 0, errno == EAGAIN, now < function.deadline { return }
    guard let process = bytes.prefix(max(count, 0)).withUnsafeBytes({ Handshake.process(accepting: $0) })
    else {
      function.lastEnd = count == 0 ? "it went away before it began" : "it did not answer as it should"
      function.close()
      function.state = .absent
      return
    }
    function.process = function.process ?? process
    begin(function)
  }

  private func begin(_ function: HostedFunction) {
    function.starts += 1
    function.state = .present
    do throws(NFError) {
      try engine.open(function)
    } catch {
      leave(function, "\(error.message): \(error.cause)")
    }
  }

  /// Takes what a function wakes the host by; its channel's end is its own.
  func hear(_ function: HostedFunction) {
    if nf_take_wakes(function.channel) == 0 { leave(function, "its process has gone") }
  }

  /// A function has ended, or is ended; its frames come back when none can be on their way to it.
  func leave(_ function: HostedFunction, _ cause: String) {
    guard function.state == .present || function.state == .joining else { return }
    function.state = .leaving
    function.ends += 1
    function.lastEnd = cause
    function.deadline = MonotonicClock.nanoseconds + ComingLimits.graceNanoseconds
    engine.close(function)
    close(function.channel)
    function.channel = -1
  }

  private func takeBack(_ function: HostedFunction) {
    let count = engine.reclaim(from: function, &ledger)
    function.reclaimed += UInt64(count)
    function.epoch &+= 1
    if function.epoch & 0x7ff == 0 { function.epoch &+= 1 }
    function.close()
    function.rings = nil
    function.state = .absent
  }

  func report() -> ChainReport {
    let counts = engine.counts
    return ChainReport(
      name: settings.name, mode: settings.mode, frames: engine.frames(ledger),
      interfaces: engine.interfaces, functions: functions.map(report(of:)),
      classifier: engine.classifier, delivered: counts.delivered, unmatched: counts.unmatched,
      malformed: counts.malformed, notTaken: counts.notTaken, unstamped: counts.unstamped)
  }

  private func report(of function: HostedFunction) -> ChainReport.Function {
    ChainReport.Function(
      name: function.settings.name, state: function.state, process: function.process,
      quota: function.settings.quota,
      held: function.state == .absent ? 0 : ledger.heldCount(by: function.number) + engine.out(function),
      received: function.handed + engine.delivered(to: function), returned: function.returned,
      overQuota: function.overQuota + engine.overQuota(function),
      absent: function.absent + engine.absent(function),
      forged: function.forged, reclaimed: function.reclaimed, lost: function.lost,
      starts: function.starts, ends: function.ends,
      latency: ChainReport.Percentiles(function.latency), counters: function.rings?.counters ?? [:],
      lastEnd: function.lastEnd)
  }
}
