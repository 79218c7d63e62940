import CMedullaNF
import CXDP
import Glibc
import MedullaBase

/// A network function as its host sees it. Only the host's thread uses it.
final class HostedFunction {
  /// Where a verdict leads.
  enum Target {
    case release
    case function(Int)
    case interface(Int)
  }

  let settings: ChainFunction
  let number: Int
  let isEntry: Bool
  /// Whether the kernel gives it frames by rings that it has itself.
  var ownsReceive: Bool { isEntry && settings.ownsReceive }
  /// By verdict.
  let targets: [Target]
  var state = ChainReport.State.absent
  var epoch: UInt32 = 1
  var rings: RingMemory?
  var producer = nf_producer()
  var consumer = nf_consumer()
  /// By queue.
  var sockets: [ReceiveSocket] = []
  /// Its socket to the host; -1: none. By it either side wakes the other.
  var channel: Int32 = -1
  /// As the kernel says, where it came by itself, else as it says.
  var process: Int?
  /// When it must have begun, or when its frames can be taken back.
  var deadline: UInt64 = 0
  /// Frames on their way to it, since the last flush.
  let staged: UnsafeMutablePointer<nf_descriptor>
  var stagedCount = 0
  /// Some of what was staged found no room, which a function of good will always has.
  private var isOverfull = false
  static let stageLimit = 256

  // Counts over all that have come as this function.
  var handed: UInt64 = 0
  /// What it had and gave back.
  var returned: UInt64 = 0
  var overQuota: UInt64 = 0
  var absent: UInt64 = 0
  var forged: UInt64 = 0
  var reclaimed: UInt64 = 0
  var lost: UInt64 = 0
  var starts: UInt64 = 0
  var ends: UInt64 = 0
  var latency = LatencyHistogram()
  var lastEnd: String?
  /// Frames of each of its seats that are not out any more.
  var seatReturned: [UInt64]
  /// What its receive rings lost, as last seen.
  var seatLost: [UInt64]
  /// By both ways, the kernel's and other functions'.
  let mostHeld: Int

  init(
    _ settings: ChainFunction, number: Int, isEntry: Bool, targets: [Target], queues: Int,
    mostHeld: Int
  ) {
    self.settings = settings
    self.mostHeld = mostHeld
    self.number = number
    self.isEntry = isEntry
    self.targets = targets
    staged = .allocate(capacity: Self.stageLimit)
    seatReturned = Array(repeating: 0, count: queues)
    seatLost = Array(repeating: 0, count: queues)
  }

  deinit {
    staged.deallocate()
    if channel >= 0 { Glibc.close(channel) }
  }

  /// Entries of its rings: all frames that it may have find room.
  var ringEntries: Int { max(64, Self.powerOfTwo(mostHeld)) }

  static func powerOfTwo(_ least: Int) -> Int {
    var power = 1
    while power < least { power *= 2 }
    return power
  }

  /// Puts a frame on its way; the caller has looked at the quota.
  @inline(__always)
  func stage(_ descriptor: nf_descriptor) {
    if stagedCount == Self.stageLimit { flush() }
    staged[stagedCount] = descriptor
    stagedCount += 1
  }

  /// Hands over what is staged.
  ///
  /// - Returns: false where the function's index of the ring is nonsense.
  @discardableResult
  @inline(__always)
  func flush() -> Bool {
    guard stagedCount > 0 else { return true }
    let given = nf_produce(&producer, staged, UInt32(stagedCount))
    // The ring holds all that it may have.
    if Int(given) != stagedCount { isOverfull = true }
    stagedCount = 0
    if nf_must_wake(&producer) != 0 { nf_wake(channel) }
    return !isOverfull
  }

  /// The one that has come makes a new start.
  func equip(_ rings: RingMemory) {
    self.rings = rings
    producer = rings.producer
    consumer = rings.consumer
    stagedCount = 0
    isOverfull = false
  }

  /// Closes all that ties it to the host.
  func close() {
    sockets = []
    if channel >= 0 { Glibc.close(channel) }
    channel = -1
    process = nil
    stagedCount = 0
  }
}
