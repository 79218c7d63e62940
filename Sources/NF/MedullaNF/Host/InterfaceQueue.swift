import CMedullaNF
import CXDP
import Glibc
import MedullaBase

/// One queue of an interface: the rings by which the kernel gets frames to fill and to send, and gives those
/// back that were sent. Only the host's thread uses it.
final class InterfaceQueue {
  static let fillEntries = 4_096
  static let transmitEntries = 2_048
  /// A link header. The kernel would keep a frame of no bytes for good: it neither sends it nor gives it
  /// back.
  static let leastBytes = 14
  static let batch = 64
  private static let patienceNanoseconds: UInt64 = 3_000_000_000
  private static let pauseMicroseconds: UInt32 = 20_000

  let interface: String
  let number: Int
  let registered: RegisteredMemory
  let rings: QueueRings
  private let fill: UnsafeMutablePointer<xsk_ring_prod>
  private let completion: UnsafeMutablePointer<xsk_ring_cons>
  private let transmit: UnsafeMutablePointer<xsk_ring_prod>
  private let socket: OpaquePointer
  let descriptor: Int32
  /// Whether the driver receives into packet memory without a copy.
  let isZeroCopy: Bool
  private var mustKick = false
  private var level = FillLevel(most: InterfaceQueue.fillEntries)
  private(set) var sent: UInt64 = 0
  /// Frames that found no room in the ring, or are too short to send.
  var refused: UInt64 = 0

  init(
    _ interface: String, _ number: Int, _ registered: RegisteredMemory, _ rings: QueueRings
  ) throws(NFError) {
    transmit = .allocate(capacity: 1)
    transmit.initialize(to: xsk_ring_prod())
    var options = xsk_socket_config()
    options.tx_size = UInt32(Self.transmitEntries)
    options.libxdp_flags = UInt32(XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD)
    options.bind_flags = UInt16(XDP_USE_NEED_WAKEUP)
    var made: OpaquePointer?
    let deadline = MonotonicClock.nanoseconds + Self.patienceNanoseconds
    var status: Int32 = 0
    repeat {
      status = xsk_socket__create_shared(
        &made, interface, UInt32(number), registered.umem, nil, transmit, rings.fill, rings.completion,
        &options)
      // Functions of a host that has gone have its queue until they see that.
      if status == -EBUSY { usleep(Self.pauseMicroseconds) }
    } while status == -EBUSY && MonotonicClock.nanoseconds < deadline
    guard status == 0, let made else {
      transmit.deallocate()
      throw .system(
        "open \(interface), queue \(number), for packet memory", status,
        remedy: status == -EBUSY
          ? "another program has this queue, or a function of an ended chain that hangs; stop it" : "")
    }
    self.interface = interface
    self.number = number
    self.registered = registered
    self.rings = rings
    (fill, completion) = (rings.fill, rings.completion)
    socket = made
    descriptor = xsk_socket__fd(made)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var facts = xdp_options()
    var size = socklen_t(MemoryLayout<xdp_options>.size)
    isZeroCopy =
      getsockopt(descriptor, SOL_XDP, XDP_OPTIONS, &facts, &size) == 0
      && facts.flags & UInt32(XDP_OPTIONS_ZEROCOPY) != 0
  }

  deinit {
    xsk_socket__delete(socket)
    transmit.deallocate()
  }

  /// Time has passed, after which the fill ring's level is looked at.
  func adaptLevel() { level.adapt() }

  /// Gives the kernel free frames to fill.
  @inline(__always)
  func refill(_ ledger: inout FrameLedger, frameBytes: Int) {
    var first: UInt32 = 0
    let ready = Int(fill.pointee.cached_prod &- nf_load(fill.pointee.consumer))
    let count = min(level.wanted(ready: ready), ledger.freeCount)
    guard count >= Self.batch else { return }
    level.gave(count)
    guard xsk_ring_prod__reserve(fill, UInt32(count), &first) == UInt32(count) else { return }
    for index in 0..<UInt32(count) {
      guard let frame = ledger.give() else { break }
      xsk_ring_prod__fill_addr(fill, first &+ index).pointee = UInt64(frame &* frameBytes)
    }
    xsk_ring_prod__submit(fill, UInt32(count))
    if xsk_ring_prod__needs_wakeup(fill) != 0 {
      recvfrom(descriptor, nil, 0, Int32(MSG_DONTWAIT), nil, nil)
    }
  }

  /// Sends a frame that was taken from its function.
  ///
  /// - Returns: false where the ring is full.
  @inline(__always)
  func send(place: UInt64, length: UInt32) -> Bool {
    var index: UInt32 = 0
    guard xsk_ring_prod__reserve(transmit, 1, &index) == 1 else { return false }
    let entry = xsk_ring_prod__tx_desc(transmit, index)
    entry?.pointee.addr = place
    entry?.pointee.len = length
    entry?.pointee.options = 0
    xsk_ring_prod__submit(transmit, 1)
    sent &+= 1
    mustKick = true
    return true
  }

  /// Tells the kernel of frames to send, and takes back those that it has sent.
  ///
  /// - Returns: how many came back.
  @inline(__always)
  func complete(_ ledger: inout FrameLedger, frameBytes: Int) -> Int {
    if mustKick {
      mustKick = false
      if xsk_ring_prod__needs_wakeup(transmit) != 0 {
        let status = sendto(descriptor, nil, 0, Int32(MSG_DONTWAIT), nil, 0)
        // It takes a bounded number at once, and says so by these.
        if status < 0, errno == EAGAIN || errno == EBUSY || errno == ENOBUFS { mustKick = true }
      }
    }
    var first: UInt32 = 0
    let count = xsk_ring_cons__peek(completion, UInt32(Self.batch), &first)
    guard count > 0 else { return 0 }
    for index in 0..<count {
      let place = xsk_ring_cons__comp_addr(completion, first &+ index)?.pointee ?? .max
      _ = ledger.releaseSent(Int(truncatingIfNeeded: place) / frameBytes)
    }
    xsk_ring_cons__release(completion, count)
    return Int(count)
  }
}
