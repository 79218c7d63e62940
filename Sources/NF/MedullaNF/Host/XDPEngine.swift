import CMedullaNF
import CXDP
import Glibc
import MedullaBase
import MedullaKernel

/// Frames of the kernel's: a program at the interface demultiplexes them into AF_XDP rings.
final class XDPEngine: PacketEngine {
  static let readsStamps = true
  private static let receiveEntriesLimit = 1 << 15

  let memory: PacketMemory
  private let names: [String]
  private let demultiplexer: Demultiplexer
  private let watch: ClassifierWatch?
  private let queues: [InterfaceQueue]
  /// By interface, the queue that frames are sent by.
  private let senders: [InterfaceQueue]
  /// How many of the queues receive; the first ones.
  let receivers: Int

  /// - Parameter settings: that were checked.
  init(_ settings: ChainSettings, object: [UInt8]) throws {
    names = [settings.interface] + settings.outputs
    memory = try PacketMemory(settings)
    let packets = try PacketRings(memory, settings)
    queues = packets.queues
    receivers = packets.receivers
    senders = packets.senders
    let index = if_nametoindex(settings.interface)
    watch = try Self.watch(settings)
    demultiplexer = try Demultiplexer(
      object: object, rules: settings.ruleEntries, flows: watch?.table, knowsTime: settings.knowsTime,
      interface: index)
    for (number, function) in settings.functions.enumerated()
    where settings.entries.contains(function.name) {
      let action = function.fallback == .kernel ? XDP_PASS : XDP_DROP
      for queue in 0..<receivers {
        demultiplexer.set(fallback: action.rawValue, seat: Self.seat(number, queue))
      }
    }
  }

  private static func watch(_ settings: ChainSettings) throws -> ClassifierWatch? {
    guard let name = settings.classifiers.first else { return nil }
    guard let pins = settings.classifier else {
      throw NFError(.badSettings, "nobody has looked up the classifier \(name), which rules name")
    }
    return try ClassifierWatch(name, pins)
  }

  func housekeep(_ now: UInt64) {
    if watch?.hasGone(now) == true { try? demultiplexer.forgetClasses() }
    for queue in queues.prefix(receivers) { queue.adaptLevel() }
  }

  var classifier: ChainReport.Classifier? {
    watch.map { ChainReport.Classifier(name: $0.name, isAttached: $0.isAttached) }
  }

  private static func seat(_ function: Int, _ queue: Int) -> Int { function * Int(NF_QUEUES) + queue }

  private func seats(_ function: HostedFunction) -> [Int] {
    function.isEntry ? (0..<receivers).map { Self.seat(function.number, $0) } : []
  }

  func begin() {}
  func end(_ ledger: inout FrameLedger) {}

  // MARK: Frames

  @inline(__always)
  func look(_ ledger: inout FrameLedger, _ functions: [HostedFunction]) -> Int {
    var work = 0
    for queue in queues { work &+= queue.complete(&ledger, frameBytes: memory.frameBytes) }
    for number in 0..<receivers { queues[number].refill(&ledger, frameBytes: memory.frameBytes) }
    return work
  }

  func receive(for function: HostedFunction) -> Int {
    function.sockets.reduce(0) { $0 &+ receive(function, $1) }
  }

  private func receive(_ function: HostedFunction, _ socket: ReceiveSocket) -> Int {
    var first: UInt32 = 0
    let count = xsk_ring_cons__peek(socket.ring, UInt32(InterfaceQueue.batch), &first)
    guard count > 0 else { return 0 }
    for index in 0..<count {
      guard let entry = xsk_ring_cons__rx_desc(socket.ring, first &+ index) else { break }
      function.stage(nf_describe(entry.pointee.addr, entry.pointee.len, 0))
    }
    xsk_ring_cons__release(socket.ring, count)
    return Int(count)
  }

  @inline(__always)
  func take(_ frame: Int, from function: HostedFunction, _ ledger: inout FrameLedger) -> Bool {
    guard
      case .taken(let seat) = ledger.take(
        frame, from: function.number, stamp: memory.stamp(ofFrame: frame), epoch: function.epoch)
    else { return false }
    if let seat { function.seatReturned[Int(seat) % Int(NF_QUEUES)] &+= 1 }
    return true
  }

  @inline(__always)
  func release(_ frame: Int, _ ledger: inout FrameLedger) { ledger.release(frame) }

  @inline(__always)
  func send(
    _ frame: Int, _ descriptor: nf_descriptor, by interface: Int, _ ledger: inout FrameLedger
  ) {
    let length = nf_length(descriptor)
    guard length >= UInt32(InterfaceQueue.leastBytes),
      senders[interface].send(place: nf_place(descriptor), length: length)
    else {
      senders[interface].refused &+= 1
      return ledger.release(frame)
    }
    ledger.send(frame)
  }

  @inline(__always)
  func settle(_ function: HostedFunction) {
    guard function.isEntry else { return }
    for queue in 0..<receivers {
      demultiplexer.set(returned: function.seatReturned[queue], seat: Self.seat(function.number, queue))
    }
  }

  /// Whether the kernel found room for all frames of a function that has its receive rings itself.
  ///
  /// It writes a frame into memory before it looks for room, so that a function which spoils its index could
  /// return frames that the kernel still has: nothing is taken from it from then on.
  func hasSoundRings(_ function: HostedFunction) -> Bool {
    !function.ownsReceive || function.sockets.allSatisfy { $0.lost.full == 0 }
  }

  // MARK: Functions

  func equip(_ function: HostedFunction) throws(NFError) {
    guard function.isEntry else { return }
    let entries = min(function.ringEntries, Self.receiveEntriesLimit)
    for queue in 0..<receivers {
      function.sockets.append(try ReceiveSocket(queues[queue], entries: entries))
      function.seatLost[queue] = 0
    }
  }

  func open(_ function: HostedFunction) throws(NFError) {
    for (queue, socket) in function.sockets.enumerated() {
      let seat = Self.seat(function.number, queue)
      function.seatReturned[queue] = demultiplexer.delivered(seat: seat)
      demultiplexer.set(returned: function.seatReturned[queue], seat: seat)
      // What one queue has not, another may not use: together they keep to the quota.
      let quota = min(
        max(1, function.settings.quota / max(1, function.sockets.count)), socket.entries)
      do throws(KernelError) {
        try demultiplexer.open(
          seat: seat, socket: socket.descriptor, quota: quota, epoch: function.epoch)
      } catch {
        throw NFError(.system, "its receive ring could not be opened", cause: error.cause)
      }
    }
  }

  func close(_ function: HostedFunction) {
    for queue in 0..<function.sockets.count {
      try? demultiplexer.close(seat: Self.seat(function.number, queue))
    }
  }

  func countLost(_ function: HostedFunction) {
    for (queue, socket) in function.sockets.enumerated() {
      let lost = socket.lost.all
      guard lost > function.seatLost[queue] else { continue }
      // What the kernel counted as delivered and lost is not out.
      function.seatReturned[queue] &+= lost - function.seatLost[queue]
      function.lost &+= lost - function.seatLost[queue]
      function.seatLost[queue] = lost
      demultiplexer.set(
        returned: function.seatReturned[queue], seat: Self.seat(function.number, queue))
    }
  }

  func reclaim(from function: HostedFunction, _ ledger: inout FrameLedger) -> Int {
    countLost(function)
    let out = zip(seatDelivered(function), function.seatReturned).map { $0 &- $1 }
    return ledger.reclaim(
      from: function.number, epoch: function.epoch, stamp: { memory.stamp(ofFrame: $0) },
      out: { Int(clamping: out[Int($0) % Int(NF_QUEUES)]) },
      delivered: { function.seatReturned[Int($0) % Int(NF_QUEUES)] &+= 1 })
  }

  func abandon(_ function: HostedFunction) {
    for seat in seats(function) { try? demultiplexer.close(seat: seat) }
    function.lost += UInt64(out(function))
    function.seatReturned = seatDelivered(function)
  }

  // MARK: Counts

  /// Frames that the kernel delivered to each of a function's seats.
  private func seatDelivered(_ function: HostedFunction) -> [UInt64] {
    function.seatReturned.indices.map {
      function.isEntry ? demultiplexer.delivered(seat: Self.seat(function.number, $0)) : 0
    }
  }

  func delivered(to function: HostedFunction) -> UInt64 { seatDelivered(function).reduce(0, +) }

  func out(_ function: HostedFunction) -> Int {
    zip(seatDelivered(function), function.seatReturned).reduce(0) {
      $0 + Int(Int64(bitPattern: $1.0 &- $1.1))
    }
  }

  func overQuota(_ function: HostedFunction) -> UInt64 {
    seats(function).reduce(0) { $0 + demultiplexer.overQuota(seat: $1) }
  }

  func absent(_ function: HostedFunction) -> UInt64 {
    seats(function).reduce(0) { $0 + demultiplexer.absent(seat: $1) }
  }

  var counts: DemultiplexerCounts {
    func count(_ cause: nf_cause) -> UInt64 { (try? demultiplexer.count(cause)) ?? 0 }
    return DemultiplexerCounts(
      delivered: count(NF_DELIVERED), unmatched: count(NF_UNMATCHED), malformed: count(NF_MALFORMED),
      notTaken: count(NF_NOT_TAKEN), unstamped: count(NF_UNSTAMPED))
  }

  func frames(_ ledger: FrameLedger) -> ChainReport.Frames {
    ChainReport.Frames(
      total: ledger.frameCount, free: ledger.freeCount, inKernel: ledger.inKernel,
      inSending: ledger.inSending, bytes: memory.byteCount, isHuge: memory.isHuge)
  }

  var interfaces: [ChainReport.Interface] {
    names.map { name in
      let own = queues.filter { $0.interface == name }
      return ChainReport.Interface(
        name: name, queues: own.count, isZeroCopy: own.allSatisfy(\.isZeroCopy),
        sent: own.reduce(0) { $0 + $1.sent }, refused: own.reduce(0) { $0 + $1.refused })
    }
  }
}
