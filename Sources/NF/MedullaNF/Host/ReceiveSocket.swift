import CMedullaNF
import CXDP
import Glibc
import MedullaBase

/// An AF_XDP socket of a function at one receive queue: its ring is filled by the kernel, and emptied by the
/// function, or by the host for it.
final class ReceiveSocket {
  private let socket: OpaquePointer
  /// Its rings and memory must outlive the socket.
  private let queue: InterfaceQueue
  let ring: UnsafeMutablePointer<xsk_ring_cons>
  let descriptor: Int32
  let entries: Int

  init(_ queue: InterfaceQueue, entries: Int) throws(NFError) {
    var made: OpaquePointer?
    var options = xsk_socket_config()
    options.rx_size = UInt32(entries)
    options.libxdp_flags = UInt32(XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD)
    options.bind_flags = UInt16(XDP_USE_NEED_WAKEUP)
    ring = .allocate(capacity: 1)
    ring.initialize(to: xsk_ring_cons())
    let status = xsk_socket__create_shared(
      &made, queue.interface, UInt32(queue.number), queue.registered.umem, ring, nil, queue.rings.fill,
      queue.rings.completion, &options)
    guard status == 0, let made else {
      ring.deallocate()
      throw .system("open a receive ring of \(queue.interface), queue \(queue.number)", status)
    }
    socket = made
    descriptor = xsk_socket__fd(made)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    self.queue = queue
    self.entries = entries
  }

  deinit {
    xsk_socket__delete(socket)
    ring.deallocate()
  }

  /// Frames that the kernel counted as delivered and that did not come: there was none to fill, it was too
  /// long, or the ring was full.
  ///
  /// A ring holds the whole quota, so that it is full only where its owner has spoiled its index.
  var lost: (all: UInt64, full: UInt64) {
    var statistics = xdp_statistics()
    var size = socklen_t(MemoryLayout<xdp_statistics>.size)
    guard getsockopt(descriptor, SOL_XDP, XDP_STATISTICS, &statistics, &size) == 0 else { return (0, 0) }
    return (statistics.rx_dropped + statistics.rx_ring_full, statistics.rx_ring_full)
  }
}
