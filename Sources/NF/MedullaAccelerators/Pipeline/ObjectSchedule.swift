import MedullaPayload

/// Which tensor an object is gathered into, when its pieces are handed over, when the model runs. A value:
/// events go in, actions come out.
///
/// Objects have tensors of their own while they are received, transferred and computed: with two of them, one
/// object's pieces are gathered while the model runs on the one before.
package struct ObjectSchedule: Sendable {
  package struct Settings: Hashable, Sendable {
    package var policy: TransferPolicy
    /// Tensors, and bytes of each.
    package var tensors = 2
    package var tensorBytes: Int
    /// Pieces that are handed over together, where the policy gains from that.
    package var batch = 64
    /// Whether transfer begins with the first pieces, or when an object is whole.
    package var isCutThrough = true
    /// Objects that may wait for a tensor; the next one is refused at its beginning.
    package var waitingLimit = 2

    package init(policy: TransferPolicy, tensorBytes: Int) {
      self.policy = policy
      self.tensorBytes = tensorBytes
    }

    package static let tensorLimit = 64
    package static let batchLimit = TransferQueue.listPieces

    /// - Throws: `outOfBounds` with the first one that cannot be.
    package func check() throws(AcceleratorError) {
      let wrong: String? =
        if !(1...Self.tensorLimit).contains(tensors) {
          "\(tensors) tensors, of 1 to \(Self.tensorLimit)"
        } else if tensorBytes <= 0 {
          "tensors of \(tensorBytes) bytes"
        } else if !(1...Self.batchLimit).contains(batch) {
          "batches of \(batch), of 1 to \(Self.batchLimit)"
        } else if waitingLimit < 0 {
          "\(waitingLimit) objects that wait"
        } else {
          nil
        }
      if let wrong { throw AcceleratorError(.outOfBounds, "the pipeline cannot have \(wrong)") }
    }
  }

  package enum Action: Hashable, Sendable {
    /// Hand pieces over; the object is whole with them where `closes`.
    case gather(object: UInt64, tensor: Int, pieces: [PayloadPiece], closes: Bool)
    /// Run the model when what was handed over for the tensor is there.
    case run(object: UInt64, tensor: Int)
    /// These pieces' frames are not needed any more, and were not handed over.
    case release([PayloadPiece])
  }

  package enum Refusal: String, Hashable, Sendable, Codable {
    /// All tensors are in use, and as many objects wait as may.
    case overload
    /// It does not fit a tensor, or has no bytes.
    case wrongSize
    /// An object of that number is there already.
    case duplicate
  }

  package struct Counts: Hashable, Sendable, Codable {
    package var begun = 0
    package var delivered = 0
    package var abandoned = 0
    package var refused: [Refusal: Int] = [:]
    /// Pieces of no object that is there.
    package var strayPieces = 0

    package init() {}
  }

  private enum Stage { case receiving, computing, draining }

  private struct Entry {
    let byteCount: Int
    var tensor: Int?
    var stage = Stage.receiving
    var received = 0
    var pending: [PayloadPiece] = []
    /// Hand-overs that are not done.
    var transfers = 0
  }

  package let settings: Settings
  package private(set) var counts = Counts()
  private var entries: [UInt64: Entry] = [:]
  private var waiting: [UInt64] = []
  private var free: [Int]

  /// The settings must have been checked.
  package init(_ settings: Settings) {
    self.settings = settings
    free = Array((0..<settings.tensors).reversed())
  }

  /// Objects that are received, transferred, computed or wait.
  package var objects: Int { entries.count }

  package func holds(_ object: UInt64) -> Bool { entries[object] != nil }

  /// An object begins.
  ///
  /// - Returns: why it is refused; nil: its pieces are taken.
  package mutating func begin(_ object: UInt64, byteCount: Int) -> Refusal? {
    let refusal: Refusal? =
      if entries[object] != nil {
        .duplicate
      } else if byteCount <= 0 || byteCount > settings.tensorBytes {
        .wrongSize
      } else if free.isEmpty, waiting.count >= settings.waitingLimit {
        .overload
      } else {
        nil
      }
    if let refusal {
      counts.refused[refusal, default: 0] += 1
      return refusal
    }
    counts.begun += 1
    // Those that wait come first: there is a free tensor only when none does.
    entries[object] = Entry(byteCount: byteCount, tensor: free.popLast())
    if entries[object]?.tensor == nil { waiting.append(object) }
    return nil
  }

  /// Pieces of an object: each of its bytes once, which who assembles it sees to.
  package mutating func take(_ object: UInt64, _ pieces: [PayloadPiece]) -> [Action] {
    guard var entry = entries[object], entry.stage == .receiving, entry.received < entry.byteCount else {
      counts.strayPieces += pieces.count
      return [.release(pieces)]
    }
    entry.received += pieces.reduce(0) { $0 + $1.length }
    entry.pending += pieces
    guard entry.received <= entry.byteCount else {
      // More bytes than it has: some came twice, and nobody can tell which are true.
      entries[object] = entry
      return abandon(object)
    }
    defer { entries[object] = entry }
    return handOver(object, &entry)
  }

  private func handOver(_ object: UInt64, _ entry: inout Entry) -> [Action] {
    guard let tensor = entry.tensor else { return [] }
    let isWhole = entry.received == entry.byteCount
    let least = settings.policy.gainsFromBatches ? settings.batch : 1
    guard isWhole || settings.isCutThrough && entry.pending.count >= least else { return [] }
    var actions: [Action] = []
    repeat {
      let isLast = entry.pending.count <= settings.batch
      guard isLast ? isWhole || entry.pending.count >= least : true else { break }
      let pieces = Array(entry.pending.prefix(settings.batch))
      entry.pending.removeFirst(pieces.count)
      entry.transfers += 1
      actions.append(.gather(object: object, tensor: tensor, pieces: pieces, closes: isWhole && isLast))
    } while !entry.pending.isEmpty
    if isWhole {
      entry.stage = .computing
      actions.append(.run(object: object, tensor: tensor))
    }
    return actions
  }

  /// A hand-over of the object's is done.
  package mutating func transferred(_ object: UInt64) -> [Action] {
    guard var entry = entries[object], entry.transfers > 0 else { return [] }
    entry.transfers -= 1
    entries[object] = entry
    return entry.stage == .draining && entry.transfers == 0 ? leave(object) : []
  }

  /// The model has run on the object.
  package mutating func computed(_ object: UInt64) -> [Action] {
    guard let entry = entries[object], entry.stage == .computing else { return [] }
    counts.delivered += 1
    guard entry.transfers == 0 else {
      // Its tensor is not another's before that is known.
      entries[object]?.stage = .draining
      return []
    }
    return leave(object)
  }

  /// The object will not become whole. One that is whole is delivered all the same.
  package mutating func abandon(_ object: UInt64) -> [Action] {
    guard var entry = entries[object], entry.stage == .receiving else { return [] }
    counts.abandoned += 1
    var actions: [Action] = entry.pending.isEmpty ? [] : [.release(entry.pending)]
    entry.pending = []
    entry.stage = .draining
    entries[object] = entry
    if entry.transfers == 0 { actions += leave(object) }
    return actions
  }

  /// The object is gone; its tensor is the next one's.
  private mutating func leave(_ object: UInt64) -> [Action] {
    guard let entry = entries.removeValue(forKey: object) else { return [] }
    waiting.removeAll { $0 == object }
    guard let tensor = entry.tensor else { return [] }
    guard let next = waiting.first, var heir = entries[next] else {
      free.append(tensor)
      return []
    }
    waiting.removeFirst()
    heir.tensor = tensor
    defer { entries[next] = heir }
    return handOver(next, &heir)
  }
}
