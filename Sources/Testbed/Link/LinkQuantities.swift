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

  private static func list(_ text: String) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }
}
