import MedullaBase

extension Quantity {
  /// Bytes of a buffer, as far as the emulator can hold them.
  package static func bufferBytes(_ text: String, bandwidthDelayBytes: Int?) throws -> Int {
    try bytes(text, bandwidthDelayBytes: bandwidthDelayBytes, in: 1...LinkLimits.heldBytes)
  }

  /// Loss in bursts: good to bad, bad to good, and, unless they are 1 and 0, the losses in each.
  package static func burstLoss(_ text: String) throws -> BurstLoss {
    let parts = try list(text).map(probability)
    guard (2...4).contains(parts.count), parts[1] > 0 else {
      throw refusal(text, "burst loss", "0.005,0.25 (good to bad, bad to good), or 0.005,0.25,0.9,0.001")
    }
    return BurstLoss(
      toBad: parts[0], toGood: parts[1], lossInBad: parts.count > 2 ? parts[2] : 1,
      lossInGood: parts.count > 3 ? parts[3] : 0)
  }

  /// Reordering: which share, and how much longer it travels.
  package static func reordering(_ text: String) throws -> Reordering {
    let parts = list(text)
    guard parts.count == 2 else { throw refusal(text, "reordering", "0.01,5ms (share, extra delay)") }
    return Reordering(share: try probability(parts[0]), extraNanoseconds: try nanoseconds(parts[1]))
  }

  /// A policer: its rate and its burst; nil for `none`.
  package static func policing(_ text: String) throws -> Policing? {
    if text == "none" { return nil }
    let parts = list(text)
    guard parts.count == 2 else { throw refusal(text, "policer", "10mbit,30kB (rate, burst), or none") }
    return Policing(
      bitsPerSecond: try bitsPerSecond(parts[0]),
      burstBytes: try bytes(parts[1], in: 1...LinkLimits.heldBytes))
  }

  /// The time between two batches; nil for 0.
  package static func aggregation(_ text: String) throws -> UInt64? {
    let interval = try nanoseconds(text)
    return interval > 0 ? interval : nil
  }

  /// A queue discipline by its name.
  package static func queueDiscipline(_ text: String) throws -> QueueDiscipline {
    guard let discipline = QueueDiscipline(rawValue: text) else {
      throw refusal(
        text, "queue discipline", QueueDiscipline.allCases.map(\.rawValue).joined(separator: " or "))
    }
    return discipline
  }

  /// A port whose packets travel longer, and how much; nil for `none`.
  package static func portDelay(_ text: String) throws -> PortDelay? {
    if text == "none" { return nil }
    let parts = list(text)
    guard parts.count == 2, let port = Int(parts[0]), (1...65_535).contains(port) else {
      throw refusal(text, "port with a delay", "5202,45ms (port, extra delay), or none")
    }
    return PortDelay(port: port, extraNanoseconds: try nanoseconds(parts[1]))
  }

  private static func list(_ text: String) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }
}
