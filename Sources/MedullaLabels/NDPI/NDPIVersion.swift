/// A version of nDPI whose interface is known here.
///
/// nDPI's functions change from one release to the next without the library's name always telling. A
/// version is known by what the library says of itself: its revision, the number of its interface, and the
/// sizes of the structures that it hands out. Nothing inside of them is read from here.
struct NDPIVersion: Sendable, Equatable, CustomStringConvertible {
  /// The beginning of what `ndpi_revision` gives.
  let revision: String
  /// `ndpi_get_api_version`.
  let interface: UInt16
  /// Bytes of `struct ndpi_flow_struct` and of its parts of TCP and UDP.
  let flowBytes: UInt32
  let tcpBytes: UInt32
  let udpBytes: UInt32

  /// Debian 12's libndpi4.2, measured on its package 4.2-2.
  static let known = [
    NDPIVersion(revision: "4.2.0", interface: 8_668, flowBytes: 688, tcpBytes: 136, udpBytes: 88)
  ]

  var description: String {
    "\(revision) (interface \(interface), structures of \(flowBytes), \(tcpBytes) and \(udpBytes) bytes)"
  }

  /// Whether a library that says so of itself is this version.
  func matches(_ other: NDPIVersion) -> Bool {
    other.revision.hasPrefix(revision)
      && (other.interface, other.flowBytes, other.tcpBytes, other.udpBytes)
        == (interface, flowBytes, tcpBytes, udpBytes)
  }
}
