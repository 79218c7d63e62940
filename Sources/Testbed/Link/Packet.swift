import Glibc

/// One unit in the emulator: a virtio-net header and an IP packet, or a super-segment that still fits the
/// path's unit. Nodes are reused, so that the packet loop does not allocate.
struct Packet {
  /// When it arrived at the queue; after its service, when it leaves the delay line.
  var time: UInt64 = 0
  var next: UnsafeMutablePointer<Packet>?
  /// Bytes in `bytes`, header included.
  var length = 0
  /// Bytes of IP packets that the unit is on a wire, each segment with its own headers.
  var wireBytes = 0
  var segments = 1
  /// Whether a queue discipline has let it into service; others do not ask.
  var isInService = false
  /// How often it arrives.
  var copies = 1
  let capacity: Int
  let bytes: UnsafeMutablePointer<UInt8>

  /// Bytes of the packet behind its virtio-net header.
  var networkLength: Int { length - VirtioHeader.bytes }
}

typealias PacketPointer = UnsafeMutablePointer<Packet>

/// Free packets in two sizes.
struct PacketPool {
  private let smallBytes: Int
  private let largeBytes: Int
  private var small: PacketPointer?
  private var large: PacketPointer?

  init(mtu: Int, segmentsPerUnit: Int) {
    smallBytes = VirtioHeader.bytes + mtu
    largeBytes = VirtioHeader.bytes + mtu * segmentsPerUnit
  }

  /// A packet with room for `length` bytes; nil when `length` exceeds the largest unit.
  @inline(__always)
  mutating func take(_ length: Int) -> PacketPointer? {
    if length <= smallBytes {
      if let packet = small {
        small = packet.pointee.next
        return packet
      }
      return Self.allocate(smallBytes)
    }
    guard length <= largeBytes else { return nil }
    if let packet = large {
      large = packet.pointee.next
      return packet
    }
    return Self.allocate(largeBytes)
  }

  @inline(__always)
  mutating func giveBack(_ packet: PacketPointer) {
    if packet.pointee.capacity == smallBytes {
      packet.pointee.next = small
      small = packet
    } else {
      packet.pointee.next = large
      large = packet
    }
  }

  /// Frees every packet that was given back.
  mutating func drain() {
    for var head in [small, large] {
      while let packet = head {
        head = packet.pointee.next
        packet.pointee.bytes.deallocate()
        packet.deallocate()
      }
    }
    small = nil
    large = nil
  }

  private static func allocate(_ capacity: Int) -> PacketPointer {
    let packet = PacketPointer.allocate(capacity: 1)
    packet.initialize(to: Packet(capacity: capacity, bytes: .allocate(capacity: capacity)))
    return packet
  }
}

/// A first-in first-out list of packets.
struct PacketList {
  private(set) var first: PacketPointer?
  private var last: PacketPointer?

  @inline(__always)
  mutating func append(_ packet: PacketPointer) {
    packet.pointee.next = nil
    if let last { last.pointee.next = packet } else { first = packet }
    last = packet
  }

  @inline(__always)
  mutating func removeFirst() -> PacketPointer? {
    guard let packet = first else { return nil }
    first = packet.pointee.next
    if first == nil { last = nil }
    return packet
  }
}
