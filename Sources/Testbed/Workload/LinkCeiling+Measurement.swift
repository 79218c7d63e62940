import TestbedLink

extension LinkCeiling {
  /// What this machine carried with one kind of unit.
  package struct Measurement: Codable, Equatable, Sendable {
    /// Which links travel in such units.
    package var kind: String
    package var segmentsPerUnit: Int
    /// Above it a link is refused.
    package var ceilingMbps: Double
    /// What one TCP flow reached through an emulated link without a rate.
    package var carriedMbps: Double
    package var unitsPerSecond: Double
    /// Processor time of the emulator over the time of the flow: 1 is a whole core.
    package var coreShare: Double

    package var canCarryCeiling: Bool { carriedMbps >= ceilingMbps }
  }

  /// Sends one TCP flow for `seconds` through links without a rate: first in single segments, as lossy links
  /// and traces carry them, then in the largest units. Needs root and iperf3.
  package static func measure(
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
