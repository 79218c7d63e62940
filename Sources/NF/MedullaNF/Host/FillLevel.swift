/// How many free frames lie ready for the kernel to fill.
///
/// The kernel fills frames in the order in which it was given them, so that as many as lie ready go round
/// through the processor's cache. At rest the ring is full, for bursts. Under load fewer lie ready, as far
/// as the host's pace lets: a frame of 1 KB is then written in 50 ns and not in 200.
package struct FillLevel {
  /// Frames of an interval of housekeeping from which on a ring of `most` entries is under load: it was
  /// turned over by half.
  private var load: Int { most / 2 }
  package static let least = 512

  package let most: Int
  package private(set) var target: Int
  private var given = 0
  private var lowest: Int

  package init(most: Int) {
    self.most = most
    target = most
    lowest = most
  }

  /// How many to give the kernel, of which so many lie ready.
  @inline(__always)
  package mutating func wanted(ready: Int) -> Int {
    if ready < lowest { lowest = ready }
    // The host comes too seldom for so few.
    if ready < target / 4 { target = min(most, 2 * target) }
    return max(0, target - ready)
  }

  @inline(__always)
  package mutating func gave(_ count: Int) { given &+= count }

  /// An interval has passed.
  package mutating func adapt() {
    if given < load {
      target = most
    } else if lowest > target / 2 {
      target = max(min(Self.least, most), target * 3 / 4)
    }
    given = 0
    lowest = most
  }
}
