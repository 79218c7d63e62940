import CMedullaFabric
import MedullaSnapshot

/// How many sums a 64-bit word carries, and how many terms fit in before its lanes are emptied into sums in
/// memory: for a layer's own weights proven that no lane overflows.
package struct LanePacking: Sendable, Equatable {
  package let lanes: Int
  /// A multiple of 8.
  package let flush: Int

  /// With fewer terms between, emptying the lanes costs more than a third lane saves.
  private static let leastFlush = 32
  private static let mostFlush = 1 << 16

  /// Channels that are summed side by side.
  package var channels: Int { lanes * Int(FABRIC_WORDS) }

  private static func laneBits(_ lanes: Int) -> Int { lanes == 3 ? 21 : lanes == 2 ? 32 : 64 }

  /// - Parameters:
  ///   - windows: for a number of terms, by channel the largest Σ|weight| of terms that meet in a lane.
  ///   - largest: the largest |weight|; where it suffices for the proof, no window is looked at.
  ///   - magnitude: the largest input, without its sign.
  package init(terms: Int, largest: Int64, magnitude: Int64, windows: (Int) -> Int64) {
    for lanes in [3, 2] {
      let limit = Int64(1) << Int64(Self.laneBits(lanes) - 1)
      let most = min(lanes == 3 ? 64 : 1_024, Self.roundedUp(terms))
      var flush = most
      while flush >= min(Self.leastFlush, most) {
        let sure = largest * Int64(flush)
        let (worst, overflow) =
          (sure < limit / max(magnitude, 1) ? sure : windows(flush)).multipliedReportingOverflow(
            by: magnitude)
        if !overflow, worst < limit {
          (self.lanes, self.flush) = (lanes, flush)
          return
        }
        flush -= max(8, flush / 8 / 8 * 8)
      }
    }
    (lanes, flush) = (1, min(Self.roundedUp(terms), Self.mostFlush))
  }

  private static func roundedUp(_ terms: Int) -> Int { max((terms + 7) / 8 * 8, 8) }

  /// The words of some channels at one term: `weight` of each channel, 0 where there is none.
  package func words(_ weight: (Int) -> Int64) -> [Int64] {
    (0..<Int(FABRIC_WORDS)).map { word in
      var packed: Int64 = 0
      for lane in 0..<lanes {
        packed &+= weight(word * lanes + lane) << Int64(lane == 0 ? 0 : lane * Self.laneBits(lanes))
      }
      return packed
    }
  }
}
