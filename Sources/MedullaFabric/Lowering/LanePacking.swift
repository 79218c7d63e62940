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
  /// Numbers of terms that are tried: with more, emptying the lanes costs nothing that can be measured.
  private static let tries = [1_024, 768, 512, 384, 320, 256, 192, 160, 128, 112, 96, 80, 64, 56, 48, 40, 32]

  /// Channels that are summed side by side.
  package var channels: Int { lanes * Int(FABRIC_WORDS) }

  private static func laneBits(_ lanes: Int) -> Int { lanes == 3 ? 21 : lanes == 2 ? 32 : 64 }

  /// Of terms that meet in a lane, the sums of the positive and of the negative weights.
  package struct Sums: Sendable, Equatable {
    package var positive: Int64 = 0
    package var negative: Int64 = 0

    package init(positive: Int64 = 0, negative: Int64 = 0) {
      (self.positive, self.negative) = (positive, negative)
    }

    mutating func add(_ weight: Int64) {
      if weight > 0 { positive += weight } else { negative -= weight }
    }

    /// The largest that |Σ weight · x| can be for x in a range.
    func reach(_ inputs: ClosedRange<Int64>) -> Int64 {
      let (above, below) = (max(inputs.upperBound, 0), max(-inputs.lowerBound, 0))
      return max(positive * above + negative * below, negative * above + positive * below)
    }
  }

  /// - Parameters:
  ///   - terms: that follow each other at most.
  ///   - inputs: what they can be.
  ///   - windows: for a number of terms, calls back with the sums of each channel's terms that meet in a
  ///     lane, as long as that says yes.
  package init(
    terms: Int, inputs: ClosedRange<Int64>, windows: (_ flush: Int, _ isProven: (Sums) -> Bool) -> Void
  ) {
    for lanes in [3, 2] {
      let limit = Int64(1) << Int64(Self.laneBits(lanes) - 1)
      let most = Self.roundedUp(terms)
      for flush in [most] + Self.tries where flush <= min(most, Self.mostFlush) {
        var isProven = true
        windows(flush) { sums in
          isProven = isProven && sums.reach(inputs) < limit
          return isProven
        }
        if isProven, flush >= min(Self.leastFlush, most) {
          (self.lanes, self.flush) = (lanes, flush)
          return
        }
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
