import MedullaSnapshot

/// What the loop has asked of the fast path's thread, and what is known of what it staged.
struct PendingRequests {
  /// The answers of the live snapshot and of the adapter to the same inputs, until both are there.
  private(set) var kernel: [[Float]]?
  var tuned: [[Float]]?
  /// Of the question that was asked last.
  private(set) var question: UInt64 = 0
  /// Candidates that are being staged, of which the loop wants the last.
  var stages = 0
  var rollsBack = false
  /// Of the versions that were staged here; the others have the start's.
  private var shapes: [UInt64: ProgramShape] = [:]

  /// More versions than all slots of an instance hold.
  static let shapeLimit = 64

  /// A new question: answers to the one before no longer count.
  mutating func ask() {
    question += 1
    forgetAnswers()
  }

  mutating func forgetAnswers() { (kernel, tuned) = (nil, nil) }

  mutating func noteAnswer(_ outputs: [[Float]], to number: UInt64) {
    if number == question { kernel = outputs }
  }

  /// The shape of a version's program; nil: it was not staged here.
  func shape(of version: UInt64?) -> ProgramShape? { version.flatMap { shapes[$0] } }

  /// - Returns: whether it is the one that was asked for last.
  mutating func noteStaged(_ version: UInt64, _ candidate: Candidate) -> Bool {
    shapes[version] = candidate.file.snapshot.shape
    if shapes.count > Self.shapeLimit, let oldest = shapes.keys.min() { shapes[oldest] = nil }
    stages = max(stages - 1, 0)
    return stages == 0
  }

  mutating func note(_ event: LoopEvent) {
    switch event {
    case .rolledBack: rollsBack = false
    case .failed(let failure) where failure.step == .rollback: rollsBack = false
    case .failed(let failure) where failure.step == .stage || failure.step == .shadow:
      stages = max(stages - 1, 0)
    default: break
    }
  }
}
