/// How fast a link the emulator takes on, and how fast this machine carries packets.
///
/// A unit costs the emulator a read, a write and the receiving stack's work, most of which does not depend on
/// the unit's size. The costs are those of a 2-core virtual machine (2.8 µs for one segment, 6.7 µs for
/// eight); a link may ask for a quarter of a core, because the programs under test share the machine.
package enum LinkCeiling {
  package static let unitNanoseconds = 2_200.0
  /// For each segment of 1,500 bytes.
  package static let segmentNanoseconds = 560.0
  package static let coreShare = 0.25

  /// Rate of one direction, in bits per second of IP packets, above which a link is refused.
  package static func bitsPerSecond(segmentsPerUnit: Int, mtu: Int) -> Double {
    let bytes = Double(segmentsPerUnit * mtu)
    return coreShare * bytes * 8e9 / (unitNanoseconds + segmentNanoseconds * bytes / 1500)
  }
}
