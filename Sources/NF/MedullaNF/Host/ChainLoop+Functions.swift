import CMedullaNF
import Glibc
import MedullaBase
import MedullaKernel

/// A process that has connected and has not said yet who it is.
struct PendingChannel {
  let descriptor: Int32
  let user: UInt32
  let deadline: UInt64
}

// Functions come and go.
extension ChainLoop {
  private static let patienceNanoseconds: UInt64 = 10_000_000_000
  /// After this the kernel delivers nothing to a seat that was closed: what was on its way has arrived.
  private static let graceNanoseconds: UInt64 = 50_000_000
  private static let pendingLimit = 16
  private static let receiveEntriesLimit = 1 << 15

  /// What needs no looking at in every round.
  func housekeep(_ now: UInt64) {
    acceptChannels(now)
    greetPending(now)
    for function in functions {
      switch function.state {
      case .absent: break
      case .joining: advance(function, now)
      case .present:
        if hasEnded(function.channel) { leave(function, "its process has gone") }
        countLost(function)
      case .leaving: if now >= function.deadline { takeBack(function) }
      }
    }
  }

  private func acceptChannels(_ now: UInt64) {
    while pending.count < Self.pendingLimit {
      var (user, process) = (UInt32(0), Int32(0))
      let channel = nf_accept_channel(listener, &user, &process)
      guard channel >= 0 else { return }
      pending.append(
        PendingChannel(descriptor: channel, user: user, deadline: now + Self.patienceNanoseconds))
    }
  }

  private func greetPending(_ now: UInt64) {
    pending.removeAll { channel in
      var hello = nf_hello()
      let size = MemoryLayout<nf_hello>.size
      let count = recv(channel.descriptor, &hello, size, Int32(MSG_DONTWAIT))
      if count < 0, errno == EAGAIN, now < channel.deadline { return false }
      guard count == size, let function = function(saying: hello, user: channel.user) else {
        close(channel.descriptor)
        return true
      }
      join(function, channel: channel.descriptor, now)
      return true
    }
  }

  private func function(saying hello: nf_hello, user: UInt32) -> HostedFunction? {
    guard hello.magic == UInt32(NF_HELLO_MAGIC), hello.version == UInt32(NF_WELCOME_VERSION) else {
      return nil
    }
    let name = withUnsafeBytes(of: hello.function) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    guard let function = functions.first(where: { $0.settings.name == name }), function.state == .absent
    else { return nil }
    return user == 0 || user == geteuid() || user == function.settings.user ? function : nil
  }

  /// Gives a function what it works with; it begins once it has answered.
  func join(_ function: HostedFunction, channel: Int32, _ now: UInt64) {
    function.channel = channel
    do {
      try equip(function)
      try send(welcome(function), to: function)
      function.state = .joining
      function.deadline = now + Self.patienceNanoseconds
    } catch {
      function.lastEnd = "\(error)"
      function.close()
    }
  }

  private func equip(_ function: HostedFunction) throws(NFError) {
    let rings = try RingMemory(entries: function.ringEntries, name: function.settings.name)
    function.rings = rings
    function.producer = rings.producer
    function.consumer = rings.consumer
    function.wake = nf_make_event()
    guard function.wake >= 0 else {
      throw .system("make what wakes \(function.settings.name)", function.wake)
    }
    guard function.isEntry else { return }
    let entries = min(function.ringEntries, Self.receiveEntriesLimit)
    for queue in 0..<receivers {
      function.sockets.append(try ReceiveSocket(queues[queue], entries: entries))
      function.seatLost[queue] = 0
    }
  }

  private func welcome(_ function: HostedFunction) -> nf_welcome {
    var welcome = nf_welcome()
    let settings = function.settings
    let owns = function.isEntry && settings.ownsReceive
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
    welcome.stamp_offset = UInt32(PacketMemory.stampOffset)
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
      [
        memory.descriptor(isWritable: function.settings.isWritable), rings.descriptor, function.wake, wake,
      ] + (welcome.queues > 0 ? function.sockets.map(\.descriptor) : [])
    let status = nf_send(
      function.channel, message, UInt64(message.count), descriptors, Int32(descriptors.count))
    guard status == 0 else { throw .system("greet the function \(function.settings.name)", status) }
  }

  private func advance(_ function: HostedFunction, _ now: UInt64) {
    var answer = nf_accept()
    let size = MemoryLayout<nf_accept>.size
    let count = recv(function.channel, &answer, size, Int32(MSG_DONTWAIT))
    if count < 0, errno == EAGAIN, now < function.deadline { return }
    guard count == size, answer.magic == UInt32(NF_ACCEPT_MAGIC),
      answer.version == UInt32(NF_WELCOME_VERSION)
    else {
      function.lastEnd = count == 0 ? "it went away before it began" : "it did not answer as it should"
      function.close()
      function.state = .absent
      return
    }
    begin(function, process: Int(answer.process))
  }

  private func begin(_ function: HostedFunction, process: Int) {
    function.process = process
    function.starts += 1
    function.state = .present
    for (queue, socket) in function.sockets.enumerated() {
      let seat = Self.seat(function.number, queue)
      function.seatReturned[queue] = demultiplexer.delivered(seat: seat)
      demultiplexer.set(returned: function.seatReturned[queue], seat: seat)
      // What one queue has not, another may not use: together they keep to the quota.
      let quota = max(1, function.settings.quota / max(1, function.sockets.count))
      do throws(KernelError) {
        try demultiplexer.open(
          seat: seat, socket: socket.descriptor, quota: quota, epoch: function.epoch)
      } catch {
        leave(function, "its receive ring could not be opened: \(error.cause)")
        return
      }
    }
  }

  private func hasEnded(_ channel: Int32) -> Bool {
    var watched = pollfd(fd: channel, events: Int16(POLLIN), revents: 0)
    return poll(&watched, 1, 0) != 0
  }

  /// What the kernel counted as delivered and lost is not out.
  private func countLost(_ function: HostedFunction) {
    for (queue, socket) in function.sockets.enumerated() {
      let lost = socket.lost
      guard lost > function.seatLost[queue] else { continue }
      function.seatReturned[queue] &+= lost - function.seatLost[queue]
      function.overQuota &+= lost - function.seatLost[queue]
      function.seatLost[queue] = lost
      demultiplexer.set(
        returned: function.seatReturned[queue], seat: Self.seat(function.number, queue))
    }
  }

  /// A function has ended, or is ended; its frames come back when none can be on their way to it.
  func leave(_ function: HostedFunction, _ cause: String) {
    guard function.state == .present || function.state == .joining else { return }
    function.state = .leaving
    function.ends += 1
    function.lastEnd = cause
    function.deadline = MonotonicClock.nanoseconds + Self.graceNanoseconds
    for queue in 0..<function.sockets.count {
      try? demultiplexer.close(seat: Self.seat(function.number, queue))
    }
    close(function.channel)
    function.channel = -1
  }

  private func takeBack(_ function: HostedFunction) {
    let count = ledger.reclaim(
      from: function.number, epoch: function.epoch, stamp: { memory.stamp(ofFrame: $0) },
      delivered: { function.seatReturned[Int($0) % Int(NF_QUEUES)] &+= 1 })
    function.reclaimed += UInt64(count)
    function.epoch &+= 1
    if function.epoch & 0x7ff == 0 { function.epoch &+= 1 }
    function.close()
    function.rings = nil
    function.state = .absent
  }

  func report() -> ChainReport {
    func count(_ cause: nf_cause) -> UInt64 { (try? demultiplexer.count(cause)) ?? 0 }
    return ChainReport(
      name: settings.name, mode: settings.mode,
      frames: ChainReport.Frames(
        total: ledger.frameCount, free: ledger.freeCount, inKernel: ledger.inKernel,
        inSending: ledger.inSending, bytes: memory.byteCount, isHuge: memory.isHuge),
      interfaces: interfaceReports(), functions: functions.map(report(of:)),
      delivered: count(NF_DELIVERED), unmatched: count(NF_UNMATCHED), malformed: count(NF_MALFORMED),
      notTaken: count(NF_NOT_TAKEN), unstamped: count(NF_UNSTAMPED))
  }

  private func interfaceReports() -> [ChainReport.Interface] {
    ([settings.interface] + settings.outputs).map { name in
      let own = queues.filter { $0.interface == name }
      return ChainReport.Interface(
        name: name, queues: own.count, isZeroCopy: own.allSatisfy(\.isZeroCopy),
        sent: own.reduce(0) { $0 + $1.sent }, refused: own.reduce(0) { $0 + $1.refused })
    }
  }

  private func report(of function: HostedFunction) -> ChainReport.Function {
    let seats = function.isEntry ? (0..<receivers).map { Self.seat(function.number, $0) } : []
    let delivered = seats.reduce(0) { $0 + demultiplexer.delivered(seat: $1) }
    let out = zip(seats, function.seatReturned).reduce(0) { sum, seat in
      sum + Int(demultiplexer.delivered(seat: seat.0) &- seat.1)
    }
    return ChainReport.Function(
      name: function.settings.name, state: function.state, process: function.process,
      quota: function.settings.quota,
      held: function.state == .present ? ledger.heldCount(by: function.number) + out : 0,
      received: delivered + function.handed, returned: function.returned,
      overQuota: function.overQuota + seats.reduce(0) { $0 + demultiplexer.overQuota(seat: $1) },
      absent: function.absent + seats.reduce(0) { $0 + demultiplexer.absent(seat: $1) },
      forged: function.forged, reclaimed: function.reclaimed, starts: function.starts, ends: function.ends,
      latency: ChainReport.Percentiles(function.latency), counters: function.rings?.counters ?? [:],
      lastEnd: function.lastEnd)
  }
}
