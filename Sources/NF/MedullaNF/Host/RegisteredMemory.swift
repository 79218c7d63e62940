import CMedullaNF
import CXDP
import Glibc
import MedullaBase

/// Packet memory as the kernel knows it. Whatever uses it keeps it, because the kernel gives an interface's
/// queues back only when all sockets over the memory are closed, and it last.
final class RegisteredMemory {
  let umem: OpaquePointer
  /// Those of the first queue that is opened are made with the memory.
  let first: QueueRings
  private let memory: PacketMemory

  init(_ memory: PacketMemory) throws(NFError) {
    let first = QueueRings()
    var options = xsk_umem_config(
      fill_size: UInt32(InterfaceQueue.fillEntries), comp_size: UInt32(InterfaceQueue.transmitEntries),
      frame_size: UInt32(memory.frameBytes), frame_headroom: UInt32(PacketMemory.headroom), flags: 0)
    var made: OpaquePointer?
    let status = xsk_umem__create(
      &made, memory.base, UInt64(memory.byteCount), first.fill, first.completion, &options)
    guard status == 0, let made else {
      throw .system(
        "register \(memory.byteCount) bytes of packet memory with the kernel", status,
        remedy: status == -ENOBUFS ? "raise the limit of locked memory (ulimit -l)" : "")
    }
    // No program that this process starts gets it.
    _ = fcntl(xsk_umem__fd(made), F_SETFD, FD_CLOEXEC)
    umem = made
    self.first = first
    self.memory = memory
  }

  deinit { xsk_umem__delete(umem) }
}

/// The rings of one queue by which the kernel gets frames to fill, and gives those back that were sent. The
/// library looks at them until the queue's last socket is closed.
final class QueueRings {
  let fill: UnsafeMutablePointer<xsk_ring_prod>
  let completion: UnsafeMutablePointer<xsk_ring_cons>

  init() {
    fill = .allocate(capacity: 1)
    fill.initialize(to: xsk_ring_prod())
    completion = .allocate(capacity: 1)
    completion.initialize(to: xsk_ring_cons())
  }

  deinit {
    fill.deallocate()
    completion.deallocate()
  }
}
