import Foundation
import MedullaBase
import MedullaDatapath
import MedullaModel
import MedullaSnapshot
import Synchronization

@testable import MedullaAdaptation

/// A fast path without a kernel: its slots are reference interpreters, its traffic is drawn from a seed. The
/// function is to tell how x − y; outcome 0 is the label (1000 · (x − y)), outcome 1 the reward (1000 less
/// what the answer is off by).
final class FakeFastPath: FastPath, @unchecked Sendable {
  struct Slot: Sendable {
    let version: UInt64
    let interpreter: ReferenceInterpreter
  }

  struct State: Sendable {
    var active: Slot
    var before: Slot?
    var staged: Slot?
    var shadowEvery: Int?
    var change: ActiveChange?
    var nextVersion: UInt64 = 2
    /// Odd flows stay on what was active before.
    var keepsFlows = false
    var isNew = false
    /// All flows share a queue, which a network that answers the wrong way round fills for each of them.
    var hasQueue = false
    /// The network beneath gets worse for all at the next promotion, whoever is promoted.
    var fallsAtPromotion = false
    var hasFallen = false
    var drains = 0
    /// Seconds that a stage takes.
    var stageTime = 0.0
    var failing: Set<LoopFailure.Step> = []
    var calls: [String] = []
  }

  struct Refusal: Error, CustomStringConvertible {
    let description: String
  }

  let state: Mutex<State>
  private let samplesPerDrain: Int
  private let generator: Mutex<SeededGenerator>

  init(_ snapshot: Snapshot, samplesPerDrain: Int = 16, seed: UInt64 = 11) {
    state = Mutex(State(active: Slot(version: 1, interpreter: ReferenceInterpreter(snapshot))))
    self.samplesPerDrain = samplesPerDrain
    generator = Mutex(SeededGenerator(seed: seed))
  }

  func fail(_ step: LoopFailure.Step, _ fails: Bool = true) {
    state.withLock { state in
      if fails { state.failing.insert(step) } else { state.failing.remove(step) }
    }
  }

  private func check(_ step: LoopFailure.Step, _ state: inout State) throws {
    state.calls.append(step.rawValue)
    if state.failing.contains(step) { throw Refusal(description: "\(step) was told to fail") }
  }

  func drain() throws -> Batch {
    try state.withLock { state in
      state.drains += 1
      if state.failing.contains(.drain) { throw Refusal(description: "drain was told to fail") }
      return Batch(samples: (0..<samplesPerDrain).map { sample(UInt64($0 % 8), state) })
    }
  }

  private func sample(_ flow: UInt64, _ state: State) -> FunctionSample {
    let (x, y) = generator.withLock { generator in
      (Double.random(in: -1...1, using: &generator), Double.random(in: -1...1, using: &generator))
    }
    let features = [Int64(x * 65536), Int64(y * 65536)]
    let slot = state.keepsFlows && flow % 2 == 1 ? state.before ?? state.active : state.active
    let outputs = slot.interpreter.run(features: features)
    let error = abs(Double(outputs[0]) / 65536 - (x - y))
    var shadow: [Int64]?
    if state.shadowEvery != nil { shadow = state.staged?.interpreter.run(features: features) }
    return FunctionSample(
      nanoseconds: UInt64(MonotonicClock.now.seconds * 1e9), flow: flow, version: slot.version,
      features: features, outputs: outputs, shadowOutputs: shadow,
      outcomes: [
        Int64((x - y) * 1000),
        state.hasQueue ? queued(state, noise: Int64(y * 10)) : 1000 - Int64(min(error, 2) * 500),
      ])
  }

  /// The reward where all flows share a queue: 970 while it is empty, 100 while one of them fills it.
  private func queued(_ state: State, noise: Int64) -> Int64 {
    let running = state.keepsFlows ? [state.active, state.before ?? state.active] : [state.active]
    let isFull = running.contains { $0.interpreter.run([1, 0])[0] < 0 }
    return (isFull || state.hasFallen ? 100 : 970) + noise
  }

  func query(_ inputs: [[Float]]) throws -> [[Float]] {
    try state.withLock { state in
      try check(.query, &state)
      return inputs.map { state.active.interpreter.run($0) }
    }
  }

  func stage(_ candidate: Candidate) throws -> UInt64 {
    Thread.sleep(forTimeInterval: state.withLock { $0.stageTime })
    return try write(candidate)
  }

  private func write(_ candidate: Candidate) throws -> UInt64 {
    try state.withLock { state in
      try check(.stage, &state)
      state.staged = Slot(
        version: state.nextVersion, interpreter: ReferenceInterpreter(candidate.file.snapshot))
      state.nextVersion += 1
      return state.nextVersion - 1
    }
  }

  func shadow(every: Int?) throws {
    try state.withLock { state in
      try check(.shadow, &state)
      state.shadowEvery = every
    }
  }

  func promote() throws {
    try state.withLock { state in
      try check(.promote, &state)
      guard let staged = state.staged else { throw Refusal(description: "nothing is staged") }
      (state.before, state.active, state.staged) = (state.active, staged, nil)
      if state.fallsAtPromotion { (state.hasFallen, state.fallsAtPromotion) = (true, false) }
    }
  }

  func discard() throws {
    try state.withLock { state in
      try check(.discard, &state)
      guard state.staged != nil else { throw DatapathError(.nothingStaged, "nothing is staged") }
      state.staged = nil
    }
  }

  func lastChange() throws -> ActiveChange? { state.withLock { $0.change } }

  func rollback(from expected: UInt64) throws -> UInt64 {
    try state.withLock { state in
      try check(.rollback, &state)
      guard state.active.version == expected else {
        throw Refusal(description: "version \(state.active.version) is active, not \(expected)")
      }
      guard let before = state.before else { throw Refusal(description: "nothing to roll back to") }
      (state.active, state.before) = (before, nil)
      return before.version
    }
  }

  func activeVersion() throws -> UInt64 { state.withLock { $0.active.version } }

  func isAttachedAnew() -> Bool {
    state.withLock { state in
      defer { state.isNew = false }
      return state.isNew
    }
  }
}

/// An adapter that does as a test tells it.
final class ScriptedAdapter: Adapter, @unchecked Sendable {
  let inputs: Int
  let outputs: Int
  private let network: Network
  private let adapting: @Sendable () throws -> Double
  let isClosed = Mutex(false)

  init(_ network: Network, adapting: @escaping @Sendable () throws -> Double = { 1 }) {
    inputs = network.inputShape.count
    outputs = network.outputShape.count
    self.network = network
    self.adapting = adapting
  }

  func freeze() throws -> Network { network }
  func adapt(_ batch: Batch) throws -> MedullaAdaptation.Progress { .init(stability: try adapting()) }
  func evaluate(_ inputs: [[Float]]) throws -> [[Float]] {
    let reference = FloatReference(network)
    return try inputs.map { try reference.run($0) }
  }
  func close() { isClosed.withLock { $0 = true } }
}

/// The records of a runner, in order.
final class RecordBook: Sendable {
  private let book = Mutex<[LoopRecord]>([])

  func add(_ record: LoopRecord) { book.withLock { $0.append(record) } }
  var all: [LoopRecord] { book.withLock { $0 } }
  func of(_ kind: String) -> [LoopRecord] { all.filter { $0.kind == kind } }
}

/// Waits until `condition` holds, at most so long.
func eventually(within seconds: Double = 20, _ condition: () throws -> Bool) rethrows -> Bool {
  let deadline = MonotonicClock.now + .seconds(seconds)
  while MonotonicClock.now < deadline {
    if try condition() { return true }
    Thread.sleep(forTimeInterval: 0.005)
  }
  return try condition()
}
