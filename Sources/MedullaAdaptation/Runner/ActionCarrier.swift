import MedullaDatapath
import MedullaSnapshot

/// Carries out what the loop wants done of the fast path, and knows what it asked and what it staged.
struct ActionCarrier {
  let fastPath: any FastPath
  private let hasShadow: Bool
  /// The fast path's answers that the adapter's are to be compared with.
  private var compared: [[Float]]?
  /// Of the versions that were staged here; the others have the start's.
  private var shapes: [UInt64: ProgramShape] = [:]

  /// Inputs that the fidelity loss is taken over, at the most: each costs a test run in the kernel.
  static let comparedInputs = 256
  /// More versions than all slots of an instance hold.
  static let shapeLimit = 64

  init(_ fastPath: any FastPath, settings: FunctionSettings) {
    self.fastPath = fastPath
    hasShadow = settings.shadow.every > 0
  }

  /// Sets right what a slow path that was killed has left: a candidate that lies staged, perhaps inferring.
  func clear() throws {
    // A shadow that cannot be ended is no reason to leave what is staged.
    let ended = Result { try whereStaged { try fastPath.shadow(every: nil) } }
    try whereStaged { try fastPath.discard() }
    try ended.get()
  }

  /// That nothing is staged is as it should be.
  private func whereStaged(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as DatapathError where error.code == .nothingStaged {}
  }

  /// The shape of a version's program; nil: it was not staged here.
  func shape(of version: UInt64?) -> ProgramShape? { version.flatMap { shapes[$0] } }

  /// Asks the live snapshot.
  mutating func query(_ inputs: [[Float]]) throws { compared = try fastPath.query(inputs) }

  /// What the live snapshot answered when it was asked last; each answer is given once.
  mutating func takeCompared() -> [[Float]]? {
    defer { compared = nil }
    return compared
  }

  mutating func stage(_ candidate: Candidate, shadowEvery: Int?) throws -> LoopEvent {
    let version = try fastPath.stage(candidate)
    shapes[version] = candidate.file.snapshot.shape
    if shapes.count > Self.shapeLimit, let oldest = shapes.keys.min() { shapes[oldest] = nil }
    if let shadowEvery {
      do {
        try fastPath.shadow(every: shadowEvery)
      } catch {
        try? fastPath.discard()
        return .failed(LoopFailure(step: .shadow, message: "\(error)"))
      }
    }
    return .staged(version: version)
  }

  func promote() throws -> LoopEvent {
    let begin = ContinuousClock.now
    if hasShadow { try fastPath.shadow(every: nil) }
    try fastPath.promote()
    return .promoted(seconds: (ContinuousClock.now - begin).seconds)
  }

  func discard() throws -> LoopEvent {
    if hasShadow { try fastPath.shadow(every: nil) }
    try fastPath.discard()
    return .discarded
  }

  func rollback(from expected: UInt64?) throws -> LoopEvent {
    .rolledBack(to: try fastPath.rollback(from: try expected ?? fastPath.activeVersion()))
  }

  /// What was of another attachment.
  mutating func forget() { (compared, shapes) = (nil, [:]) }
}
