import Glibc
import MedullaBase

/// The ring that a resident kernel watches, in memory that host and device share.
///
/// Who writes: the host the pieces, then `published`, and `stop`; the kernel `done`, a word for each warp. A
/// piece is written before the count that publishes it, and is written again only when every warp's `done`
/// has passed it. A kernel that ended, by its bound or by an error, leaves `done` behind; the next one begins
/// there, so that no piece is lost or pulled into a tensor that has another object by then.
final class ResidentRing {
  /// Bytes of `struct ring_head`.
  static let headBytes = 64
  /// Bytes from one warp's count to the next: a line of its own.
  static let doneStride = 64
  static let lanes = 32

  /// Pieces, a power of two.
  let capacity: Int
  let blocks: Int
  let threads: Int
  private let driver: any DeviceDriver
  private let stream: DeviceStream
  private let memory: PinnedMemory
  /// Looks at the ring without finding anything after which a kernel ends by itself.
  private let polls: UInt32
  private var running: DeviceEvent?
  /// Pieces since the beginning; the shared word has its low 32 bits.
  private(set) var published = 0
  private var completed = 0
  private(set) var launches = 0

  /// How long the kernel may take for what it has been given, before that counts as a failure.
  static let patience = Duration.seconds(20)

  var warps: Int { blocks * threads / Self.lanes }

  init(
    _ driver: any DeviceDriver, capacity: Int = 8_192, blocks: Int = 4, threads: Int = 256,
    polls: UInt32 = 1 << 20
  ) throws(AcceleratorError) {
    precondition(capacity & (capacity - 1) == 0 && capacity > 0, "a ring's size is a power of two")
    let warps = blocks * threads / Self.lanes
    precondition(warps & (warps - 1) == 0 && warps > 0, "counts wrap at a multiple of the warps")
    (self.driver, self.capacity, self.blocks, self.threads) = (driver, capacity, blocks, threads)
    self.polls = polls
    stream = try driver.makeStream()
    let bytes = Self.headBytes + warps * Self.doneStride + capacity * DevicePiece.byteCount
    memory = try driver.allocatePinned(byteCount: bytes)
    memset(memory.pointer, 0, bytes)
  }

  private var publishedWord: SharedWord { SharedWord(memory.pointer) }
  private var stopWord: SharedWord { SharedWord(memory.pointer + MemoryLayout<UInt32>.size) }
  private var pieceOffset: Int { Self.headBytes + warps * Self.doneStride }

  /// Hands pieces to the kernel, and waits while the ring is full.
  ///
  /// - Returns: the count that `isDone` is asked with.
  func publish(_ pieces: [DevicePiece]) throws(AcceleratorError) -> Int {
    for piece in pieces {
      if published - completed >= capacity {
        announce()
        try wait(for: published - capacity + 1)
      }
      let offset = pieceOffset + (published & (capacity - 1)) * DevicePiece.byteCount
      memory.pointer.storeBytes(of: piece, toByteOffset: offset, as: DevicePiece.self)
      published += 1
    }
    announce()
    try keepRunning()
    return published
  }

  private func announce() { publishedWord.store(UInt32(truncatingIfNeeded: published)) }

  /// Whether the first `count` pieces have arrived.
  func isDone(_ count: Int) throws(AcceleratorError) -> Bool {
    if completed >= count { return true }
    refresh()
    if completed >= count { return true }
    try keepRunning()
    return false
  }

  func wait(for count: Int) throws(AcceleratorError) {
    let limit = ContinuousClock.now + Self.patience
    while try !isDone(count) {
      guard ContinuousClock.now < limit else {
        throw AcceleratorError(
          .failed, "the resident kernel does not come to its work",
          cause: "\(completed) of \(count) pieces after \(Self.patience)",
          remedy: "another program may hold the device; choose the policy \(TransferPolicy.pull.rawValue)")
      }
      sched_yield()
    }
  }

  /// Counts are 32 bits on the device and lie at most a ring's size behind.
  private func refresh() {
    var least = published
    for warp in 0..<warps {
      let done = SharedWord(memory.pointer + Self.headBytes + warp * Self.doneStride).load()
      let behind = Int(UInt32(truncatingIfNeeded: published) &- done)
      least = min(least, published - behind)
    }
    completed = max(completed, least)
  }

  /// Starts the kernel where none runs.
  private func keepRunning() throws(AcceleratorError) {
    if let event = running {
      guard try driver.isComplete(event) else { return }
      driver.discard(event)
      running = nil
    }
    let (base, done) = (memory.address, memory.address.advanced(by: Self.headBytes))
    try driver.launch(
      KernelLaunch(
        .gatherPersistent, blocks: blocks, threads: threads,
        [
          .address(base), .address(base.advanced(by: pieceOffset)), .address(done),
          .word(UInt32(capacity - 1)), .word(polls),
        ]), on: stream)
    running = try driver.record(on: stream)
    launches += 1
  }

  /// Ends the kernel: what is published has been pulled when this returns.
  func stop() throws(AcceleratorError) {
    guard running != nil else { return }
    try wait(for: published)
    guard let event = running else { return }
    stopWord.store(1)
    defer { stopWord.store(0) }
    try driver.wait(for: event)
    driver.discard(event)
    running = nil
  }

  /// Ends it and gives its memory back.
  func close() throws(AcceleratorError) {
    try stop()
    try driver.freePinned(memory)
  }
}
