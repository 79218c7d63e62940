import CMedullaNF

/// A frame that a network function has, where it was received.
package struct Frame {
  /// From the link header on. Valid until the frame is returned.
  package let bytes: UnsafeRawBufferPointer
  /// The first byte's place in packet memory.
  package let place: Int
  /// Which of the chain's rules gave it.
  package let rule: Int
  /// When it was received, by `MonotonicClock`; 0: the chain takes no times.
  package let nanoseconds: UInt64

  @inline(__always)
  init(_ frame: medulla_nf_frame) {
    bytes = UnsafeRawBufferPointer(start: frame.bytes, count: Int(frame.length))
    place = Int(frame.place)
    rule = Int(frame.rule)
    nanoseconds = frame.nanoseconds
  }
}

/// What becomes of a frame.
package enum Verdict: Hashable, Sendable {
  /// The frame is done with.
  case release
  /// On to what follows in the chain's file.
  case next
  /// To one of the function's branches, in the order of the chain's file.
  case branch(Int)

  var number: UInt32 {
    switch self {
    case .release: UInt32(NF_RELEASE)
    case .next: UInt32(NF_NEXT)
    case .branch(let number): UInt32(NF_BRANCH) + UInt32(truncatingIfNeeded: number)
    }
  }
}
