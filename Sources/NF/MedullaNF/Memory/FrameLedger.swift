import CMedullaNF

/// Who has each frame of packet memory. Every frame has one holder at any time, and comes back once.
///
/// Frames that the kernel was given are the kernel's until a function returns them: by the stamp before a
/// frame, which functions cannot write, the ledger knows whose it was. It knows no memory and no rings.
package struct FrameLedger {
  /// What came of a frame that a function returned.
  package enum Return: Equatable, Sendable {
    /// It was the function's; `seat`: where the kernel delivered it, if this is the first time it is seen.
    case taken(seat: UInt32?)
    /// It was not: forged, or returned twice.
    case refused
  }

  private static let free: UInt16 = 0xffff
  private static let kernel: UInt16 = 0xfffe
  private static let sending: UInt16 = 0xfffd

  private var holders: ContiguousArray<UInt16>
  /// Which delivery of a frame was seen last, so that none counts twice.
  private var seen: ContiguousArray<UInt64>
  private var unused: ContiguousArray<UInt32>
  private(set) var held: ContiguousArray<Int>
  /// Frames in the kernel's hands: to be filled, filled, or delivered and not returned.
  package private(set) var inKernel = 0
  package private(set) var inSending = 0

  package init(frames: Int, functions: Int) {
    holders = ContiguousArray(repeating: Self.free, count: frames)
    seen = ContiguousArray(repeating: 0, count: frames)
    unused = ContiguousArray((0..<UInt32(frames)).reversed())
    held = ContiguousArray(repeating: 0, count: functions)
  }

  package var frameCount: Int { holders.count }
  package var freeCount: Int { unused.count }

  /// Frames that a function holds by the host's hand.
  package func heldCount(by function: Int) -> Int { held[function] }

  /// A frame for the kernel to fill.
  @inline(__always)
  package mutating func give() -> Int? {
    guard let frame = unused.popLast() else { return nil }
    holders[Int(frame)] = Self.kernel
    inKernel &+= 1
    return Int(frame)
  }

  /// A function returned a frame of packet memory.
  ///
  /// - Parameters:
  ///   - frame: a number below `frameCount`.
  ///   - stamp: what is written before it now.
  ///   - epoch: who sits at the function's seats now.
  @inline(__always)
  package mutating func take(
    _ frame: Int, from function: Int, stamp: @autoclosure () -> nf_stamp, epoch: UInt32
  ) -> Return {
    if holders[frame] == UInt16(truncatingIfNeeded: function) {
      held[function] &-= 1
      return .taken(seat: nil)
    }
    guard holders[frame] == Self.kernel else { return .refused }
    let stamp = stamp()
    guard isDelivery(stamp, of: frame, to: function, epoch: epoch) else { return .refused }
    seen[frame] = Self.delivery(stamp)
    inKernel &-= 1
    return .taken(seat: stamp.seat)
  }

  /// A frame that was taken goes to another function.
  @inline(__always)
  package mutating func hand(_ frame: Int, to function: Int) {
    holders[frame] = UInt16(truncatingIfNeeded: function)
    held[function] &+= 1
  }

  /// A frame that was taken is sent; it comes back by `release`.
  @inline(__always)
  package mutating func send(_ frame: Int) {
    holders[frame] = Self.sending
    inSending &+= 1
  }

  /// A frame that was taken is free.
  @inline(__always)
  package mutating func release(_ frame: Int) {
    holders[frame] = Self.free
    unused.append(UInt32(truncatingIfNeeded: frame))
  }

  /// The kernel says that a frame was sent; false: it was not being sent.
  @inline(__always)
  package mutating func releaseSent(_ frame: Int) -> Bool {
    guard frame < holders.count, holders[frame] == Self.sending else { return false }
    inSending &-= 1
    release(frame)
    return true
  }

  /// Takes back all that a function had when it ended, once the kernel delivers nothing to it any more.
  ///
  /// Where a receive ring was full the kernel has written a frame, with its stamp, and kept it: of frames
  /// that it delivered by a seat no more than `out` come back, the earliest.
  ///
  /// - Parameters:
  ///   - stamp: what is written before a frame now.
  ///   - out: how many frames of a seat have not come back.
  ///   - delivered: is told the seat of each frame that the kernel had delivered.
  /// - Returns: how many frames came back.
  package mutating func reclaim(
    from function: Int, epoch: UInt32, stamp: (Int) -> nf_stamp, out: (UInt32) -> Int,
    delivered: (UInt32) -> Void
  ) -> Int {
    var count = 0
    var bySeat: [UInt32: [(sequence: UInt64, frame: Int)]] = [:]
    for frame in holders.indices {
      if holders[frame] == UInt16(truncatingIfNeeded: function) {
        held[function] &-= 1
        release(frame)
        count += 1
      } else if holders[frame] == Self.kernel {
        let stamp = stamp(frame)
        guard isDelivery(stamp, of: frame, to: function, epoch: epoch) else { continue }
        bySeat[stamp.seat, default: []].append((stamp.sequence, frame))
      }
    }
    for (seat, frames) in bySeat {
      for (_, frame) in frames.sorted(by: { $0.sequence < $1.sequence }).prefix(out(seat)) {
        seen[frame] = Self.delivery(stamp(frame))
        inKernel &-= 1
        delivered(seat)
        release(frame)
        count += 1
      }
    }
    return count
  }

  // MARK: Engines that hand all frames to the host

  /// All frames are the engine's, which keeps the free ones too: to the ledger they are the kernel's.
  mutating func giveAll() {
    while give() != nil {}
  }

  /// A frame of the engine's goes to a function; false: it is somebody's.
  @inline(__always)
  mutating func receive(_ frame: Int, by function: Int) -> Bool {
    guard frame < holders.count, holders[frame] == Self.kernel else { return false }
    inKernel &-= 1
    hand(frame, to: function)
    return true
  }

  /// A function returned a frame of packet memory, which it must have had by the host's hand.
  @inline(__always)
  mutating func takeHeld(_ frame: Int, from function: Int) -> Bool {
    guard holders[frame] == UInt16(truncatingIfNeeded: function) else { return false }
    held[function] &-= 1
    return true
  }

  /// A frame that was taken, or is not sent any more, is the engine's again.
  @inline(__always)
  mutating func giveBack(_ frame: Int) {
    if holders[frame] == Self.sending { inSending &-= 1 }
    holders[frame] = Self.kernel
    inKernel &+= 1
  }

  /// Takes back all that a function has by the host's hand; `body` gets each frame, which is the engine's.
  mutating func reclaimHeld(from function: Int, _ body: (Int) -> Void) -> Int {
    var count = 0
    for frame in holders.indices where holders[frame] == UInt16(truncatingIfNeeded: function) {
      held[function] &-= 1
      giveBack(frame)
      body(frame)
      count += 1
    }
    return count
  }

  /// Whether a frame that the kernel has was delivered to a function, and has not come back since.
  @inline(__always)
  private func isDelivery(_ stamp: nf_stamp, of frame: Int, to function: Int, epoch: UInt32) -> Bool {
    Int(stamp.seat) / Int(NF_QUEUES) == function && stamp.epoch == epoch && stamp.sequence != 0
      && Self.delivery(stamp) != seen[frame]
  }

  /// One word for a delivery: seats have 9 bits, epochs 11, and sequences begin again after 2^44.
  @inline(__always)
  private static func delivery(_ stamp: nf_stamp) -> UInt64 {
    stamp.sequence << 20 | UInt64(stamp.seat & 0x1ff) << 11 | UInt64(stamp.epoch & 0x7ff)
  }
}
