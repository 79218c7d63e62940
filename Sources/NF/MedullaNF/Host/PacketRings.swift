import CMedullaNF
import CXDP
import Glibc
import MedullaBase

/// Packet memory as the kernel knows it, with the queues of all interfaces of a chain.
final class PacketRings {
  private let umem: OpaquePointer
  private(set) var queues: [InterfaceQueue] = []
  /// How many of the queues receive; the first ones.
  private(set) var receivers = 0
  /// By interface, the queue that frames are sent by.
  private(set) var senders: [InterfaceQueue] = []
  private var rings:
    [(fill: UnsafeMutablePointer<xsk_ring_prod>, completion: UnsafeMutablePointer<xsk_ring_cons>)] =
      []
  private let memory: PacketMemory

  init(_ memory: PacketMemory, _ settings: ChainSettings) throws(NFError) {
    self.memory = memory
    let first = Self.makeRings()
    var options = Self.options(memory)
    var made: OpaquePointer?
    let status = xsk_umem__create(
      &made, memory.base, UInt64(memory.byteCount), first.fill, first.completion, &options)
    guard status == 0, let made else {
      Self.free(first)
      throw .system(
        "register \(memory.byteCount) bytes of packet memory with the kernel", status,
        remedy: status == -ENOBUFS ? "raise the limit of locked memory (ulimit -l)" : "")
    }
    umem = made
    rings.append(first)
    do throws(NFError) {
      receivers = try Self.queueCount(settings.interface)
      for number in 0..<receivers { try open(settings.interface, number) }
      for output in settings.outputs { try open(output, 0) }
    } catch {
      close()
      throw error
    }
    senders = [queues[0]] + queues.dropFirst(receivers)
  }

  deinit { close() }

  private func close() {
    queues = []
    senders = []
    xsk_umem__delete(umem)
    for ring in rings { Self.free(ring) }
    rings = []
  }

  private func open(_ interface: String, _ number: Int) throws(NFError) {
    // The first queue has the rings that the memory was made with.
    if !queues.isEmpty { rings.append(Self.makeRings()) }
    let ring = rings[queues.count]
    queues.append(
      try InterfaceQueue(interface, number, umem: umem, fill: ring.fill, completion: ring.completion))
  }

  private static func queueCount(_ interface: String) throws(NFError) -> Int {
    let count = nf_receive_queues(interface)
    guard count >= 0 else { throw .system("count the queues of \(interface)", count) }
    guard count <= Int(NF_QUEUES) else {
      throw NFError(
        .interface, "\(interface) has \(count) receive queues, and a chain takes at most \(NF_QUEUES)",
        remedy: "ethtool -L \(interface) combined \(NF_QUEUES)")
    }
    return Int(count)
  }

  private static func options(_ memory: PacketMemory) -> xsk_umem_config {
    xsk_umem_config(
      fill_size: UInt32(InterfaceQueue.fillEntries), comp_size: UInt32(InterfaceQueue.transmitEntries),
      frame_size: UInt32(memory.frameBytes), frame_headroom: UInt32(PacketMemory.headroom), flags: 0)
  }

  private static func makeRings() -> (
    fill: UnsafeMutablePointer<xsk_ring_prod>, completion: UnsafeMutablePointer<xsk_ring_cons>
  ) {
    let fill = UnsafeMutablePointer<xsk_ring_prod>.allocate(capacity: 1)
    fill.initialize(to: xsk_ring_prod())
    let completion = UnsafeMutablePointer<xsk_ring_cons>.allocate(capacity: 1)
    completion.initialize(to: xsk_ring_cons())
    return (fill, completion)
  }

  private static func free(
    _ ring: (fill: UnsafeMutablePointer<xsk_ring_prod>, completion: UnsafeMutablePointer<xsk_ring_cons>)
  ) {
    ring.fill.deallocate()
    ring.completion.deallocate()
  }
}
