/// A packet that carries a piece, as a descriptor: its payload stays where it was received.
package struct PayloadPacket {
  /// The frame's name, such as its address in packet memory. What is kept is told by it when it is released.
  package var frame: UInt64
  /// Where the datagram's first byte lies, counted from the start of packet memory.
  package var place: Int
  /// Header and payload, without Ethernet's padding. Only the header is read.
  package var datagram: UnsafeRawBufferPointer

  package init(frame: UInt64, place: Int, datagram: UnsafeRawBufferPointer) {
    self.frame = frame
    self.place = place
    self.datagram = datagram
  }
}

/// An object of an assembler. A name that is no longer valid is refused, not taken for another object's.
package struct ObjectName: Hashable, Sendable {
  let slot: UInt32
  let generation: UInt32
}

/// What a packet has caused.
package struct AssemblyOutcome: Sendable {
  package let cause: PacketCause
  /// The object whose piece was accepted.
  package let object: ObjectName?
  /// The first packet of its object.
  package internal(set) var begins = false
  /// The first piece that the consumer has not been lent: it has something to fetch, if it wants to begin
  /// before the object is whole.
  package internal(set) var hasNews = false
  /// The object is whole.
  package internal(set) var completes = false

  init(_ cause: PacketCause, _ object: ObjectName? = nil) {
    self.cause = cause
    self.object = object
  }

  /// Otherwise the frame is the caller's at once.
  @inline(__always)
  package var keepsFrame: Bool { cause == .accepted }
}

/// What there is of an object.
package struct PayloadObject: Sendable, Equatable {
  package enum State: Sendable, Equatable {
    case gathering
    case complete
    /// Its deadline passed while the consumer held pieces of it; it waits for them.
    case expired
  }

  package var name: ObjectName
  package var stream: UInt32
  package var number: UInt64
  package var kind: PayloadKind
  package var format: ObjectFormat
  package var state: State
  /// Bytes of the whole object.
  package var size: Int
  /// Packets of the whole object, and of these what is there.
  package var total: Int
  package var received: Int
  package var receivedBytes: Int
  /// CRC-32C of the whole, if the sender gave it.
  package var digest: UInt32?
  /// When its first packet came.
  package var began: UInt64
  /// Pieces that the consumer has and has not given back.
  package var lent: Int
}
