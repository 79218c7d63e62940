import CMedullaNF
import Glibc
import MedullaBase

/// The queues of all interfaces of a chain, over its packet memory.
struct PacketRings {
  private(set) var queues: [InterfaceQueue] = []
  /// How many of the queues receive; the first ones.
  let receivers: Int
  /// By interface, the queue that frames are sent by.
  let senders: [InterfaceQueue]

  init(_ memory: PacketMemory, _ settings: ChainSettings) throws(NFError) {
    let registered = try RegisteredMemory(memory)
    receivers = try Self.queueCount(settings.interface)
    let places = (0..<receivers).map { (settings.interface, $0) } + settings.outputs.map { ($0, 0) }
    for (interface, number) in places {
      // The first queue has the rings that the memory was made with.
      let rings = queues.isEmpty ? registered.first : QueueRings()
      queues.append(try InterfaceQueue(interface, number, registered, rings))
    }
    senders = [queues[0]] + queues.dropFirst(receivers)
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
}
