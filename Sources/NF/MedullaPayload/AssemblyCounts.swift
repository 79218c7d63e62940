/// What has become of packets and objects since the assembler was made.
package struct AssemblyCounts: Sendable, Equatable {
  private var causes = ContiguousArray<UInt64>(repeating: 0, count: PacketCause.allCases.count)
  /// Objects whose first packet was accepted. Each ends in one of the four ways below, or is under way.
  package internal(set) var begun: UInt64 = 0
  /// Whole when the consumer had finished with them.
  package internal(set) var completed: UInt64 = 0
  /// Not whole at their deadline.
  package internal(set) var expired: UInt64 = 0
  /// Given up by the consumer before they were whole.
  package internal(set) var dropped: UInt64 = 0
  /// Refused with their first packet; not among those that have begun.
  package internal(set) var refused: UInt64 = 0
  /// Pieces that were missing in the objects that expired.
  package internal(set) var missing: UInt64 = 0

  /// Packets of a cause.
  package subscript(cause: PacketCause) -> UInt64 { causes[Int(cause.rawValue)] }

  /// All packets that were given.
  package var packets: UInt64 { causes.reduce(0, +) }

  @inline(__always)
  mutating func add(_ cause: PacketCause) { causes[Int(cause.rawValue)] &+= 1 }
}
