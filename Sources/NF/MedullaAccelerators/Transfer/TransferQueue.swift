import Glibc
import MedullaBase
import MedullaPayload

/// The transfer policies, once for all devices: what each makes of pieces that were checked.
///
/// One caller at a time.
final class TransferQueue {
  enum Completion {
    case event(DeviceEvent)
    /// The resident kernel's count, and when a simulated clock has it there.
    case ring(count: Int, due: Duration?)
  }

  /// Host memory in which the processor puts an object together.
  private final class Staging {
    let memory: PinnedMemory
    var range: Range<Int>?
    /// The copy that reads it.
    var copy: TransferTicket?

    init(_ memory: PinnedMemory) { self.memory = memory }
  }

  private let driver: any DeviceDriver
  private let stream: DeviceStream
  private var book = TicketBook<Completion>()
  private var staging: [Int: Staging] = [:]
  private var ring: ResidentRing?
  /// Memory for the lists of pieces that kernels read, each with the ticket that frees it.
  private let lists: PinnedMemory
  private var listTickets: [TransferTicket?]
  private var nextList = 0
  /// When the last transfer that is known to be done was, or was found to be.
  private var lastTime = Duration.zero

  /// Lists that are under way at once, and pieces of each.
  static let listCount = 64
  static let listPieces = 512
  static let warpsOfBlock = 4

  init(_ driver: any DeviceDriver) throws(AcceleratorError) {
    self.driver = driver
    stream = try driver.makeStream()
    lists = try driver.allocatePinned(byteCount: Self.listCount * Self.listPieces * DevicePiece.byteCount)
    listTickets = Array(repeating: nil, count: Self.listCount)
  }

  /// The ticket of all that has been handed over.
  var last: TransferTicket { TransferTicket(number: book.issued) }

  func gather(
    _ pieces: [PayloadPiece], from memory: RegisteredMemory, into tensor: DeviceTensor,
    by policy: TransferPolicy, closes: Bool
  ) throws(AcceleratorError) -> TransferTicket {
    let pieces = pieces.filter { $0.length > 0 }
    if pieces.isEmpty, policy != .staged { return book.issue(nil) }
    while book.isFull { try finishOldest() }
    switch policy {
    case .perPacket:
      for piece in pieces { try driver.copy(copy(piece, memory, tensor), on: stream) }
      return try mark()
    case .batchedCopy:
      try driver.copyBatch(pieces.map { copy($0, memory, tensor) }, on: stream)
      return try mark()
    case .staged: return try stage(pieces, memory, tensor, closes: closes)
    case .pull:
      var ticket = last
      for start in stride(from: 0, to: pieces.count, by: Self.listPieces) {
        ticket = try pull(pieces[start..<min(start + Self.listPieces, pieces.count)], memory, tensor)
      }
      return ticket
    case .residentPull:
      let ring = try residentRing()
      let count = try ring.publish(pieces.map { devicePiece($0, memory, tensor) })
      let due = driver.resident(gave: pieces.count, byteCount: pieces.reduce(0) { $0 + $1.length })
      return book.issue(.ring(count: count, due: due))
    }
  }

  private func copy(_ piece: PayloadPiece, _ memory: RegisteredMemory, _ tensor: DeviceTensor) -> DeviceCopy {
    DeviceCopy(
      source: memory.base + piece.source, destination: tensor.address.advanced(by: piece.destination),
      byteCount: piece.length)
  }

  private func devicePiece(
    _ piece: PayloadPiece, _ memory: RegisteredMemory, _ tensor: DeviceTensor
  ) -> DevicePiece {
    DevicePiece(
      source: memory.address.advanced(by: piece.source),
      destination: tensor.address.advanced(by: piece.destination), length: piece.length)
  }

  private func mark() throws(AcceleratorError) -> TransferTicket {
    book.issue(.event(try driver.record(on: stream)))
  }

  private func pull(
    _ pieces: ArraySlice<PayloadPiece>, _ memory: RegisteredMemory, _ tensor: DeviceTensor
  ) throws(AcceleratorError) -> TransferTicket {
    let list = nextList
    nextList = (nextList + 1) % Self.listCount
    if let ticket = listTickets[list] { try fence(ticket) }
    let offset = list * Self.listPieces * DevicePiece.byteCount
    for (index, piece) in pieces.enumerated() {
      lists.pointer.storeBytes(
        of: devicePiece(piece, memory, tensor), toByteOffset: offset + index * DevicePiece.byteCount,
        as: DevicePiece.self)
    }
    let blocks = (pieces.count + Self.warpsOfBlock - 1) / Self.warpsOfBlock
    try driver.launch(
      KernelLaunch(
        .gather, blocks: blocks, threads: Self.warpsOfBlock * ResidentRing.lanes,
        [.address(lists.address.advanced(by: offset)), .word(UInt32(pieces.count))]), on: stream)
    let ticket = try mark()
    listTickets[list] = ticket
    return ticket
  }

  private func stage(
    _ pieces: [PayloadPiece], _ memory: RegisteredMemory, _ tensor: DeviceTensor, closes: Bool
  ) throws(AcceleratorError) -> TransferTicket {
    let stage = try staging(of: tensor)
    if stage.range == nil, let copy = stage.copy {
      // The object before is still being read from here.
      try fence(copy)
      stage.copy = nil
    }
    for piece in pieces {
      driver.copyOnHost(
        UnsafeRawBufferPointer(start: memory.base + piece.source, count: piece.length),
        to: stage.memory.pointer + piece.destination)
      let end = piece.destination + piece.length
      let range = stage.range ?? piece.destination..<end
      stage.range = min(range.lowerBound, piece.destination)..<max(range.upperBound, end)
    }
    guard closes, let range = stage.range else { return book.issue(nil) }
    try driver.copy(
      DeviceCopy(
        source: stage.memory.pointer + range.lowerBound,
        destination: tensor.address.advanced(by: range.lowerBound), byteCount: range.count), on: stream)
    stage.range = nil
    let ticket = try mark()
    stage.copy = ticket
    return ticket
  }

  private func staging(of tensor: DeviceTensor) throws(AcceleratorError) -> Staging {
    if let known = staging[tensor.number] { return known }
    try quiesce()
    let made = Staging(try driver.allocatePinned(byteCount: tensor.byteCount))
    staging[tensor.number] = made
    return made
  }

  private func residentRing() throws(AcceleratorError) -> ResidentRing {
    if let ring { return ring }
    let made = try ResidentRing(driver)
    ring = made
    return made
  }

  func isDone(_ ticket: TransferTicket) throws(AcceleratorError) -> Bool {
    while book.completed < ticket.number, let oldest = book.oldest {
      switch oldest {
      case .event(let event):
        guard try driver.isComplete(event) else { return false }
        lastTime = driver.time(of: event) ?? driver.now
        driver.discard(event)
      case .ring(let count, let due):
        if let due, driver.now < due { return false }
        if due != nil { try ring?.wait(for: count) }
        guard try ring?.isDone(count) ?? true else { return false }
        lastTime = due ?? driver.now
      }
      book.completeOldest()
    }
    return book.completed >= ticket.number
  }

  /// When all up to the ticket was done; nil: it is not yet.
  func time(of ticket: TransferTicket) throws(AcceleratorError) -> Duration? {
    try isDone(ticket) ? lastTime : nil
  }

  func fence(_ ticket: TransferTicket) throws(AcceleratorError) {
    while book.completed < ticket.number, book.oldest != nil { try finishOldest() }
  }

  private func finishOldest() throws(AcceleratorError) {
    switch book.oldest {
    case .event(let event):
      try driver.wait(for: event)
      lastTime = driver.time(of: event) ?? driver.now
      driver.discard(event)
    case .ring(let count, let due):
      if let due { driver.sleep(until: due) }
      try ring?.wait(for: count)
      lastTime = due ?? driver.now
    case nil: return
    }
    book.completeOldest()
  }

  /// What a computation waits for, so that all transfers up to the ticket are there.
  ///
  /// What the device itself can wait for it does; a resident kernel is waited for here.
  func event(after ticket: TransferTicket) throws(AcceleratorError) -> DeviceEvent? {
    if try isDone(ticket) { return nil }
    if ring != nil { try fence(ticket) }
    return book.completed >= ticket.number ? nil : try driver.record(on: stream)
  }

  /// Ends the resident kernel: memory of the device cannot be made or freed beside it.
  func quiesce() throws(AcceleratorError) { try ring?.stop() }

  /// Gives back what was kept for a tensor, when nothing reads it any more.
  func forget(_ tensor: DeviceTensor) throws(AcceleratorError) {
    guard let stage = staging.removeValue(forKey: tensor.number) else { return }
    if let copy = stage.copy { try fence(copy) }
    try driver.freePinned(stage.memory)
  }

  /// Gives all of its memory back; nothing may be handed over any more.
  func close() throws(AcceleratorError) {
    try fence(last)
    try ring?.close()
    ring = nil
    for stage in staging.values { try driver.freePinned(stage.memory) }
    staging = [:]
    try driver.freePinned(lists)
  }

  func copyBack(_ tensor: DeviceTensor, byteCount: Int) throws(AcceleratorError) -> [UInt8] {
    try fence(last)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
    defer { memory.deallocate() }
    try driver.copyBack(
      tensor.address, to: UnsafeMutableRawBufferPointer(rebasing: memory[0..<byteCount]), on: stream)
    return Array(memory[0..<byteCount])
  }
}

/// A registration with its addresses.
struct RegisteredMemory: @unchecked Sendable {
  let base: UnsafeRawPointer
  let byteCount: Int
  let address: DeviceAddress
}
