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
  /// By verdict.
  let targets: [Target]
  var state = ChainReport.State.absent
  var epoch: UInt32 = 1
  var rings: RingMemory?
  var producer = nf_producer()
  var consumer = nf_consumer()
  /// By queue.
  var sockets: [ReceiveSocket] = []
  /// Its socket to the host; -1: none.
  var channel: Int32 = -1
  /// What wakes it.
  var wake: Int32 = -1
  var process: Int?
  /// When it must have begun, or when its frames can be taken back.
  var deadline: UInt64 = 0
  /// Frames on their way to it, since the last flush.
  let staged: UnsafeMutablePointer<nf_descriptor>
  var stagedCount = 0
  static let stageLimit = 256

  // Counts over all that have come as this function.
  var handed: UInt64 = 0
  var returned: UInt64 = 0
  var overQuota: UInt64 = 0
  var absent: UInt64 = 0
  var forged: UInt64 = 0
  var reclaimed: UInt64 = 0
  var starts: UInt64 = 0
  var ends: UInt64 = 0
  var latency = LatencyHistogram()
  var lastEnd: String?
  /// Frames of each of its seats that are not out any more.
  var seatReturned: [UInt64]
  /// What its receive rings lost, as last seen.
  var seatLost: [UInt64]

  init(_ settings: ChainFunction, number: Int, isEntry: Bool, targets: [Target], queues: Int) {
    self.settings = settings
    self.number = number
    self.isEntry = isEntry
    self.targets = targets
    staged = .allocate(capacity: Self.stageLimit)
    seatReturned = Array(repeating: 0, count: queues)
    seatLost = Array(repeating: 0, count: queues)
  }

  deinit {
    staged.deallocate()
    for descriptor in [channel, wake] where descriptor >= 0 { Glibc.close(descriptor) }
  }

  /// Entries of its rings: all frames that it may have find room.
  var ringEntries: Int { max(64, Self.powerOfTwo(settings.quota)) }

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
    let isWhole = Int(given) == stagedCount
    stagedCount = 0
    if nf_must_wake(&producer) != 0 { wakeUp() }
    return isWhole
  }

  func wakeUp() {
    var one: UInt64 = 1
    if wake >= 0 { _ = write(wake, &one, MemoryLayout<UInt64>.size) }
  }

  /// Closes all that ties it to the host.
  func close() {
    sockets = []
    for descriptor in [channel, wake] where descriptor >= 0 { Glibc.close(descriptor) }
    channel = -1
    wake = -1
    process = nil
    stagedCount = 0
  }
}
