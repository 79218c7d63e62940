/// What became of a packet: each that is given is counted by exactly one of these.
package enum PacketCause: UInt8, Error, Hashable, Sendable, CaseIterable {
  /// A piece that was missing. Its frame is kept; of all others it is the caller's at once.
  case accepted

  // What the header alone says.
  /// No whole header.
  case short
  case badMagic
  case badVersion
  /// The header was corrupted on its way.
  case badChecksum
  case badKind
  /// A flag that this version does not know, or a reserved field that is not zero.
  case badFlags
  /// No bytes, in the packet or in the object.
  case empty
  /// The datagram does not end where the piece does.
  case wrongLength
  /// The piece ends behind the object's end.
  case beyondObject
  /// Sequence, offset and length are of no piece that an object of this size has.
  case wrongPlace

  // What the stream says of the object. Each packet of such an object is refused by itself.
  case unknownStream
  /// Another kind or size than the stream's.
  case wrongObject
  /// More bytes or packets than an object may have.
  case tooLarge

  // What the object says of a later packet.
  case duplicate
  /// Another size, number of packets, kind or digest than that of the object's first packet.
  case inconsistent
  /// The object's deadline has passed.
  case late
  case afterCompletion
  case afterExpiry
  /// The consumer gave the object up.
  case afterDrop
  case afterRefusal

  // Why an object was refused with its first packet.
  case noSlot
  case streamFull
  case noMemory
  case notAdmitted

  /// The object as a whole was refused with this packet: later ones count as `afterRefusal`.
  package var refusesObject: Bool { rawValue >= Self.noSlot.rawValue }
}
