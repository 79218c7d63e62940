/// The demonstration's link and times.
public struct DemoPlan: Codable, Equatable, Sendable {
  public var rateMbps = 48.0
  public var rttMilliseconds = 40.0
  public var bufferBdp = 2.0
  /// Seconds of each comparison run; the first `warmUp` do not count in the table.
  public var seconds = 14
  public var warmUp = 4
  /// The run with the swap: when the snapshot changes, when the second flow starts, when all is over.
  public var swapAt = 6
  public var secondFlowAt = 7
  public var swapSeconds = 18
  /// Kernel congestion controls to compare with.
  public var baselines = ["cubic", "bbr"]

  public init() {}

  public var cell: LinkCell {
    LinkCell(
      part: .steady, rateMbps: rateMbps, rttMilliseconds: rttMilliseconds, bufferBdp: bufferBdp, loss: 0,
      flows: 1)
  }
}
