import Foundation
import MedullaBase
import MedullaPayload

/// Trains on batches in the order in which they arrive, on a thread of its own, while the next is gathered.
///
/// Whoever makes one calls `finish` at the end: until then its thread waits for more.
///
/// All that may change is used with the condition's lock held, but for two things: a buffer belongs to the
/// thread that fills it until `fill`, and to the training thread until `finish`; the trainer belongs to the
/// training thread until that has ended. One thread offers batches at a time (`offering` sees to it).
package final class StreamTrainer: @unchecked Sendable {
  package static let buffers = 2

  package let format: BatchFormat
  private let trainer: ConvolutionTrainer
  private let network: ConvolutionalNetwork
  private let memory: [UnsafeMutableRawBufferPointer]
  private let offering = MonotonicCondition()
  private let condition = MonotonicCondition()
  private let usesAllProcessors: Bool

  private var queue = BatchQueue(buffers: StreamTrainer.buffers)
  private var counts = StreamTrainingReport()
  private var began: Duration?
  private var failure: LearningError?
  private var isClosed = false
  private var hasEnded = false

  /// - Throws: what a `ConvolutionTrainer` throws; `malformedBatch` when the format is of other images.
  package init(
    _ network: ConvolutionalNetwork, rule: DescentRule, options: ConvolutionTrainer.Options,
    format: BatchFormat
  ) throws(LearningError) {
    guard format.shape == network.input else {
      throw LearningError(
        .malformedBatch, "the stream has samples of \(format.shape), the network takes \(network.input)")
    }
    self.format = format
    self.network = network
    trainer = try ConvolutionTrainer(network, rule: rule, options: options)
    memory = (0..<Self.buffers).map { _ in
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: format.byteCount, alignment: 64)
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      return bytes
    }
    usesAllProcessors = LearningProcessors.areAllUsed
    start()
  }

  deinit { memory.forEach { $0.deallocate() } }

  /// Hands over a batch that lies in pieces; they are copied before this returns.
  ///
  /// - Parameter waits: for a free buffer; otherwise a batch that finds none is refused and counted.
  /// - Returns: whether it was taken.
  /// - Throws: `malformedBatch`, and the batch is counted as such; `diverged` when an earlier one ended the
  ///   training; `invalidOption` after `finish`.
  package func offer(
    _ pieces: [PayloadPiece], in packets: UnsafeRawBufferPointer, waits: Bool = false
  ) throws(LearningError) -> Bool {
    let arrived = MonotonicClock.now
    return try offering.withLock { () -> Result<Bool, LearningError> in
      Result { () throws(LearningError) in
        guard let buffer = try freeBuffer(waits: waits) else { return false }
        let start = MonotonicClock.now
        do throws(LearningError) {
          try PieceGathering.gather(pieces, from: packets, to: memory[buffer])
          try TrainingBatch(UnsafeRawBufferPointer(memory[buffer]), format).check(network)
        } catch {
          condition.withLock { counts.malformed += 1 }
          throw error
        }
        condition.withLock {
          began = began ?? arrived
          counts.gathering += MonotonicClock.now - start
          queue.fill()
        }
        condition.broadcast()
        return true
      }
    }.get()
  }

  /// Hands over a batch that lies in one piece.
  package func offer(_ object: UnsafeRawBufferPointer, waits: Bool = false) throws(LearningError) -> Bool {
    try offer(
      [PayloadPiece(source: 0, destination: 0, length: object.count)], in: object, waits: waits)
  }

  /// Waits until what was taken is trained on, and ends the thread. Nothing is taken any more.
  ///
  /// - Throws: `diverged` when the training ended before.
  package func finish() throws(LearningError) -> (
    network: ConvolutionalNetwork, report: StreamTrainingReport
  ) {
    condition.withLock { isClosed = true }
    condition.broadcast()
    condition.withLock { while !hasEnded { condition.wait() } }
    if let failure { throw failure }
    return (trainer.network, counts)
  }

  /// After `finish`: what the trained network makes of samples that it has not seen.
  ///
  /// - Throws: `malformedBatch`; `invalidOption` while the training goes on.
  package func evaluate(_ heldOut: TrainingBatch) throws(LearningError) -> BatchOutcome {
    guard condition.withLock({ hasEnded }) else {
      throw LearningError(.invalidOption, "the training goes on; finish it before it is evaluated")
    }
    return try trainer.evaluate(heldOut)
  }

  package var report: StreamTrainingReport { condition.withLock { counts } }

  /// With `offering` held.
  private func freeBuffer(waits: Bool) throws(LearningError) -> Int? {
    try condition.withLock { () -> Result<Int?, LearningError> in
      while waits, queue.free == nil, failure == nil, !isClosed { condition.wait() }
      if let failure { return .failure(failure) }
      guard !isClosed else {
        return .failure(LearningError(.invalidOption, "the training is finished; no batch is taken any more"))
      }
      if queue.free == nil { counts.refused += 1 }
      return .success(queue.free)
    }.get()
  }

  /// The thread holds on to the trainer until it is told to end.
  private func start() {
    let thread = Thread { [self] in
      LearningProcessors.$areAllUsed.withValue(usesAllProcessors) {
        while let buffer = next() { train(buffer) }
      }
      condition.withLock { hasEnded = true }
      condition.broadcast()
    }
    thread.name = "stream-trainer"
    thread.start()
  }

  /// The next buffer to train on; nil when there will be none.
  private func next() -> Int? {
    condition.withLock {
      while queue.isEmpty, !isClosed { condition.wait() }
      return failure == nil ? queue.begin() : nil
    }
  }

  private func train(_ buffer: Int) {
    let start = MonotonicClock.now
    let result = Result { () throws(LearningError) in
      try trainer.step(TrainingBatch(UnsafeRawBufferPointer(memory[buffer]), format))
    }
    let end = MonotonicClock.now
    condition.withLock {
      queue.finish()
      counts.training += end - start
      counts.elapsed = end - (began ?? start)
      switch result {
      case .success(let outcome):
        counts.batches += 1
        counts.outcome += outcome
        counts.lastLoss = outcome.meanLoss
      case .failure(let error): failure = error
      }
    }
    condition.broadcast()
  }
}
