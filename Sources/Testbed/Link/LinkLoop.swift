import CHost
import Foundation
import MedullaBase

/// The emulator's loop: reads frames from two TUN devices, holds them as the paths say, writes them out.
///
/// Control is letters on a descriptor: `w` begins a measuring window; `c` and a line with a configuration in
/// JSON (`LinkWorker.Change`) changes the link; `s` stops; end of file means that the owner is gone.
struct LinkLoop {
  /// Why the loop ended.
  enum Ending: String, Codable, Sendable {
    case stopped
    case ownerGone = "owner-gone"
    case terminated
  }

  /// What the loop watches.
  struct Descriptors {
    let client: Int32
    let server: Int32
    let control: Int32
    /// Readable when the process shall end; -1: none.
    let termination: Int32
  }

  /// How long traffic may keep the loop from looking at its control descriptor.
  private static let controlNanoseconds: UInt64 = 2_000_000

  private let descriptors: Descriptors
  private let origin: UInt64
  /// What it follows now.
  private var link: LinkConfiguration
  private let segmentLimit: Int
  private var forward: LinkLane
  private var backward: LinkLane
  private var pool: PacketPool

  init(_ link: LinkConfiguration, descriptors: Descriptors) {
    self.descriptors = descriptors
    origin = MonotonicClock.nanoseconds
    forward = LinkLane(
      path: PathQueue(link.forward, link: link, seed: link.seed, origin: origin),
      input: descriptors.client, output: descriptors.server)
    backward = LinkLane(
      path: PathQueue(link.backward, link: link, seed: ~link.seed, origin: origin),
      input: descriptors.server, output: descriptors.client)
    self.link = link
    segmentLimit = max(
      LinkLimits.segmentsPerUnitAtMost, LinkLimits.segmentsPerUnit(link.forward, mtu: link.mtu),
      LinkLimits.segmentsPerUnit(link.backward, mtu: link.mtu))
    pool = PacketPool(mtu: link.mtu, segmentsPerUnit: segmentLimit)
  }

  /// Runs until it is told to stop, then says what happened; `realtime` only goes into the report.
  mutating func run(realtime: Bool) -> LinkReport {
    let frame = UnsafeMutablePointer<UInt8>.allocate(capacity: LinkLane.frameBytes)
    defer { frame.deallocate() }
    let before = Self.processorSeconds()
    let ending = carry(frame)
    let end = MonotonicClock.nanoseconds
    forward.finish(at: end, pool: &pool)
    backward.finish(at: end, pool: &pool)
    pool.drain()
    return LinkReport(
      ending: ending.rawValue, startNanoseconds: origin, endNanoseconds: end, realtime: realtime,
      processorSeconds: Self.processorSeconds() - before,
      failedWrites: forward.failedWrites + backward.failedWrites,
      forward: PathReport(forward.path), backward: PathReport(backward.path))
  }

  private mutating func carry(_ frame: UnsafeMutablePointer<UInt8>) -> Ending {
    var watched = (
      descriptors.client, descriptors.server, descriptors.control, descriptors.termination
    )
    var readable: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0)
    let watchedCount: Int32 = descriptors.termination < 0 ? 3 : 4
    var controlSeen = MonotonicClock.nanoseconds
    while true {
      let forwardRead = forward.pull(frame, pool: &pool)
      let backwardRead = backward.pull(frame, pool: &pool)
      var now = MonotonicClock.nanoseconds
      forward.push(now: now, pool: &pool)
      backward.push(now: now, pool: &pool)
      now = MonotonicClock.nanoseconds
      let busy = forwardRead || backwardRead
      if busy, now &- controlSeen < Self.controlNanoseconds { continue }
      let timeout = busy ? 0 : Self.wait(until: nextEvent, now: now)
      let count = withUnsafeBytes(of: &watched) { watched in
        withUnsafeMutableBytes(of: &readable) { readable in
          medulla_wait_readable(
            watched.baseAddress?.assumingMemoryBound(to: Int32.self),
            readable.baseAddress?.assumingMemoryBound(to: UInt8.self), watchedCount, timeout)
        }
      }
      controlSeen = now
      guard count > 0 else { continue }
      if watchedCount == 4, readable.3 != 0 { return .terminated }
      if readable.2 != 0, let ending = obeyControl() { return ending }
    }
  }

  private var nextEvent: UInt64? {
    guard let first = forward.path.nextEvent else { return backward.path.nextEvent }
    return backward.path.nextEvent.map { min($0, first) } ?? first
  }

  /// -1: for ever, as `medulla_wait_readable` takes it.
  private static func wait(until event: UInt64?, now: UInt64) -> Int64 {
    guard let event else { return -1 }
    return event > now ? Int64(event - now) : 0
  }

  private mutating func obeyControl() -> Ending? {
    var byte: UInt8 = 0
    let count = read(descriptors.control, &byte, 1)
    if count == 0 { return .ownerGone }
    guard count == 1 else { return nil }
    switch byte {
    case UInt8(ascii: "w"):
      let now = MonotonicClock.nanoseconds
      forward.path.beginWindow(at: now)
      backward.path.beginWindow(at: now)
      return nil
    case UInt8(ascii: "c"):
      change()
      return nil
    case UInt8(ascii: "s"): return .stopped
    default: return nil
    }
  }

  /// Reads the rest of the line, which its writer has written at once, and follows it. What cannot be read
  /// or emulated changes nothing: the owner checks before it asks.
  private mutating func change() {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while line.count < LinkWorker.longestChange, read(descriptors.control, &byte, 1) == 1,
      byte != UInt8(ascii: "\n")
    {
      line.append(byte)
    }
    guard let next = try? JSONDecoder().decode(LinkWorker.Change.self, from: Data(line)).applied(to: link),
      (try? next.validate()) != nil
    else { return }
    link = next
    let now = MonotonicClock.nanoseconds
    forward.path.change(link.forward, mtu: link.mtu, segmentLimit: segmentLimit, at: now)
    backward.path.change(link.backward, mtu: link.mtu, segmentLimit: segmentLimit, at: now)
  }

  private static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// A path between two devices.
struct LinkLane {
  /// A frame is at most one 64 KiB super-segment with its headers.
  static let frameBytes = 65_536 + 512

  var path: PathQueue
  let input: Int32
  let output: Int32
  private(set) var failedWrites = 0
  /// Since when the device has had frames whenever it was asked; nil: it was empty.
  private(set) var backlogSince: UInt64?

  /// Reads what the device has, a bounded number of frames; false when there was none.
  @inline(__always)
  mutating func pull(_ frame: UnsafeMutablePointer<UInt8>, pool: inout PacketPool) -> Bool {
    for turn in 0..<LinkLimits.readsPerTurn {
      let length = read(input, frame, Self.frameBytes)
      if length <= 0 {
        backlogSince = nil
        return turn > 0
      }
      let now = MonotonicClock.nanoseconds
      let since = backlogSince ?? now
      backlogSince = since
      path.noteFrame(waitedAtMost: now &- since)
      path.accept(frame, length: length, at: now, pool: &pool)
    }
    return true
  }

  /// Writes out what is due.
  @inline(__always)
  mutating func push(now: UInt64, pool: inout PacketPool) {
    path.advance(to: now)
    while let packet = path.takeDue(now) {
      // A device that is not up refuses with EIO, as a cable without a peer would: no failure of the link.
      for _ in 0..<packet.pointee.copies {
        if write(output, packet.pointee.bytes, packet.pointee.length) < 0, errno != EIO { failedWrites += 1 }
      }
      pool.giveBack(packet)
    }
  }

  /// Ends the recording and gives up what is still on the way.
  mutating func finish(at time: UInt64, pool: inout PacketPool) {
    path.beginWindow(at: time)
    path.clear(into: &pool)
  }
}
