import TestbedLink

/// The demonstration's link and times.
package struct DemoPlan: Codable, Equatable, Sendable {
  package var rateMbps = 48.0
  package var rttMilliseconds = 40.0
  package var bufferBdp = 2.0
  /// Seconds of each comparison run; the first `warmUp` do not count in the table.
  package var seconds = 14
  package var warmUp = 4
  /// The run with the swap: when the snapshot changes, when the second flow starts, when all is over.
  package var swapAt = 6
  package var secondFlowAt = 7
  package var swapSeconds = 18
  /// The run beside a rival: when it comes and when it goes, in seconds, and when all is over. After
  /// `rivalSettled` seconds of both they count in the table.
  package var rival = "cubic"
  package var rivalFrom = 6
  package var rivalUntil = 26
  package var rivalSettled = 6
  package var besideSeconds = 34
  /// Kernel congestion controls to compare with.
  package var baselines = ["cubic", "bbr"]

  package var cell: LinkCell {
    LinkCell(
      rateMbps: rateMbps, rttMilliseconds: rttMilliseconds, bufferBdp: bufferBdp)
  }
}
