/// How fast a link the emulator takes on, and how fast this machine carries packets.
///
/// A unit costs the emulator a read, a write and the receiving stack's work, most of which does not depend on
/// the unit's size. The costs are those of a 2-core virtual machine (2.8 µs for one segment, 6.7 µs for
/// eight); a link may ask for a quarter of a core, because the programs under test share the machine.
public enum LinkCeiling {
  static let unitNanoseconds = 2_200.0
  /// For each segment of 1,500 bytes.
  static let segmentNanoseconds = 560.0
  static let coreShare = 0.25

  /// Rate of one direction, in bits per second of IP packets, above which a link is refused.
  public static func bitsPerSecond(segmentsPerUnit: Int, mtu: Int) -> Double {
    let bytes = Double(segmentsPerUnit * mtu)
    return coreShare * bytes * 8e9 / (unitNanoseconds + segmentNanoseconds * bytes / 1500)
  }

  /// What this machine carried with one kind of unit.
  public struct Measurement: Codable, Equatable, Sendable {
    /// Which links travel in such units.
    public var kind: String
    public var segmentsPerUnit: Int
    /// Above it a link is refused.
    public var ceilingMbps: Double
    /// What one TCP flow reached through an emulated link without a rate.
    public var carriedMbps: Double
    public var unitsPerSecond: Double
    /// Processor time of the emulator over the time of the flow: 1 is a whole core.
    public var coreShare: Double

    public var canCarryCeiling: Bool { carriedMbps >= ceilingMbps }
  }

  /// Sends one TCP flow for `seconds` through links without a rate: first in single segments, as lossy links
  /// and traces carry them, then in the largest units. Needs root and iperf3.
  public static func measure(
    seconds: Int = 3, mtu: Int = 1500, executable: String = LinkEmulator.ownExecutable
  ) throws -> [Measurement] {
    try [
      ("single packets (losses, reordering, duplication, traces)", 1),
      ("units of \(largestUnit) (other fast links)", largestUnit),
    ]
    .map { kind, segments in
      let path = PathConfiguration(segmentsPerUnit: segments)
      let link = LinkConfiguration(forward: path, backward: path, mtu: mtu)
      return try LinkEmulator.with(link, executable: executable) { link in
        let transfer = try Transfer(.init(congestion: "cubic", seconds: seconds), over: link)
        try link.beginWindow()
        _ = try transfer.finish()
        return Measurement(kind: kind, segments: segments, mtu: mtu, report: try link.stop())
      }
    }
  }

  private static let largestUnit = LinkLimits.segmentsPerUnitAtMost
}

extension LinkCeiling.Measurement {
  init(kind: String, segments: Int, mtu: Int, report: LinkReport) {
    // The window of the transfer; the one before is that of its preparation.
    let window = report.forward.windows.last
    let seconds = window?.seconds ?? 0
    let delivered = Double(window?.deliveredSegments ?? 0)
    self.init(
      kind: kind, segmentsPerUnit: segments,
      ceilingMbps: LinkCeiling.bitsPerSecond(segmentsPerUnit: segments, mtu: mtu) / 1e6,
      carriedMbps: (window?.bitsPerSecond ?? 0) / 1e6,
      unitsPerSecond: seconds > 0 ? delivered / Double(segments) / seconds : 0,
      coreShare: seconds > 0 ? report.processorSeconds / seconds : 0)
  }
}
