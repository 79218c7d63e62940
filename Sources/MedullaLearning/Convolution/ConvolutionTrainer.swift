import CMedullaLearning

/// Trains a network on batches of images, one step a batch.
///
/// A batch is split into as many parts as the options say, whatever processors there are, and the parts'
/// slopes are added in their order: on one kind of processor the same network, options and batches give the
/// same bits. A step allocates no memory for numbers.
package final class ConvolutionTrainer {
  package struct Options: Hashable, Sendable {
    package static let partLimit = 64

    /// For dropout.
    package var seed: UInt64
    /// Parts of a batch that are computed at the same time.
    package var parts = 2
    package var scale: InputScale

    package init(seed: UInt64, parts: Int = 2, scale: InputScale = .bytes) {
      self.seed = seed
      self.parts = parts
      self.scale = scale
    }
  }

  package let options: Options
  /// Steps that were taken.
  package private(set) var steps = 0

  private let initial: ConvolutionalNetwork
  private let layout: ParameterLayout
  private let parameters: NumberBuffer
  private let gradients: NumberBuffer
  private let stride: Int
  private let passes: [BatchPass]
  private let outcomes: UnsafeMutablePointer<BatchOutcome>
  private var descent: Descent

  /// - Throws: `invalidOption` when a rate or the number of parts is out of its range.
  package init(
    _ network: ConvolutionalNetwork, rule: DescentRule, options: Options
  ) throws(LearningError) {
    try rule.check()
    guard (1...Options.partLimit).contains(options.parts) else {
      throw LearningError(
        .invalidOption, "a batch in \(options.parts) parts; 1 to \(Options.partLimit) can be")
    }
    self.options = options
    initial = network
    let layout = ParameterLayout(network)
    self.layout = layout
    // Parts are written by different threads: no line of the cache belongs to two of them.
    stride = layout.count + Int(LEARNING_SLACK)
    parameters = NumberBuffer(layout.count)
    gradients = NumberBuffer(stride * options.parts)
    layout.pack(network.parameters, into: parameters.start)
    passes = (0..<options.parts).map { _ in BatchPass(network, layout: layout, scale: options.scale) }
    outcomes = .allocate(capacity: options.parts)
    outcomes.initialize(repeating: BatchOutcome(), count: options.parts)
    descent = Descent(rule, count: layout.count)
  }

  deinit { outcomes.deallocate() }

  /// The network with what was learned so far.
  package var network: ConvolutionalNetwork { initial.with(parameters: layout.unpack(parameters.start)) }

  /// One step down the slopes of the batch's mean loss.
  ///
  /// - Throws: `malformedBatch` before anything is changed; `diverged` when the loss is no number any more.
  package func step(_ batch: TrainingBatch) throws(LearningError) -> BatchOutcome {
    try batch.check(initial)
    let outcome = forwardAndBackward(batch)
    guard outcome.loss.isFinite else {
      throw LearningError(
        .diverged, "the loss of step \(steps + 1) is no finite number",
        remedy: "train with a lower rate, or scale the inputs")
    }
    descent.step(slopes, parameters.start)
    steps += 1
    return outcome
  }

  /// The slopes that the next step would go down, in the order of `ConvolutionalNetwork.parameters`.
  ///
  /// - Throws: `malformedBatch`.
  package func slopes(_ batch: TrainingBatch) throws(LearningError) -> (
    values: [Float], outcome: BatchOutcome
  ) {
    try batch.check(initial)
    let outcome = forwardAndBackward(batch)
    let sum = NumberBuffer(layout.count)
    learning_sum(slopes, sum.start)
    return (layout.unpack(sum.start), outcome)
  }

  /// What the network makes of samples as it is used: nothing is dropped, nothing learned.
  ///
  /// - Throws: `malformedBatch`.
  package func evaluate(_ batch: TrainingBatch) throws(LearningError) -> BatchOutcome {
    try batch.check(initial)
    return eachPart(batch.format.samples) { part, range in
      passes[part].run(batch, range, parameters: parameters.start)
    }
  }

  private var slopes: learning_slopes {
    learning_slopes(
      first: gradients.start, parts: Int32(options.parts), stride: Int32(stride), count: Int32(layout.count))
  }

  private func forwardAndBackward(_ batch: TrainingBatch) -> BatchOutcome {
    let step = BatchPass.Step(
      seed: options.seed, number: steps, weight: 1 / Float(batch.format.samples))
    return eachPart(batch.format.samples) { part, range in
      let gradient = gradients.start + part * stride
      gradient.update(repeating: 0, count: layout.count)
      return passes[part].run(batch, range, parameters: parameters.start, step: step, gradient: gradient)
    }
  }

  private func eachPart(_ samples: Int, _ body: (Int, Range<Int>) -> BatchOutcome) -> BatchOutcome {
    let parts = options.parts
    eachInParallel(parts) { part in
      outcomes[part] = body(part, (samples * part / parts)..<(samples * (part + 1) / parts))
    }
    return (0..<parts).reduce(into: BatchOutcome()) { $0 += outcomes[$1] }
  }
}
