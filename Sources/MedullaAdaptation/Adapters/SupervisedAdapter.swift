import MedullaDatapath
import MedullaLearning
import MedullaModel

/// Learns from labels by Adam, with experience replay: regression by squared error, classification by
/// cross-entropy.
///
/// For dense layers with tanh or ReLU; a softmax at the end of a classifier stays outside the training and is
/// put back by `freeze`.
package final class SupervisedAdapter: Adapter {
  /// The target outputs of a sample, or nil when it has no label.
  package typealias Labeling = (FunctionSample) -> [Float]?

  package let inputs: Int
  package let outputs: Int
  private let settings: AdapterSettings.Supervised
  private let name: String
  private let hasSoftmax: Bool
  private let labeling: Labeling
  private var network: DenseNetwork
  private var adam: Adam
  private var replay: ExperienceReplay<Lesson>
  private var smoothed: Double?

  private struct Lesson: Sendable {
    let input: [Float]
    let target: [Float]
  }

  /// Lessons of the replay that the loss is measured on after each round.
  private static let judged = 256
  /// The part of a new loss in the smoothed one.
  private static let smoothing = 0.3

  /// - Parameter labeling: nil takes labels from the samples' outcomes, as the settings say: for regression
  ///   `outputs` outcomes from `target` on, divided by `targetScale`, or one for the output that another
  ///   outcome names; for classification the class's number.
  /// - Throws: `badSettings`, or `unsupportedNetwork` when the network cannot be trained natively.
  package init(
    network: Network, settings: AdapterSettings.Supervised = .init(), labeling: Labeling? = nil
  ) throws(AdaptationError) {
    try AdapterSettings.supervised(settings).validate(of: network.name)
    let isClassifier = settings.loss == .crossEntropy
    hasSoftmax = isClassifier && network.layers.last == .softmax
    do {
      let layers = hasSoftmax ? Array(network.layers.dropLast()) : network.layers
      self.network = try DenseNetwork(
        Network(
          name: network.name, inputName: network.inputName, outputName: network.outputName,
          inputShape: network.inputShape, layers: layers))
    } catch let error as LearningError {
      throw AdaptationError(.unsupportedNetwork, error.message, remedy: error.remedy)
    } catch {
      throw AdaptationError(.unsupportedNetwork, "\(error)")
    }
    let width = self.network.outputs
    if isClassifier, width < 2 {
      throw AdaptationError(
        .badSettings, "network \(network.name) has one output and cannot be trained by cross-entropy",
        remedy: "use the squared error, or a network with an output for each class")
    }
    inputs = self.network.inputs
    outputs = width
    name = network.name
    self.settings = settings
    self.labeling = labeling ?? { Self.label($0, settings, outputs: width) }
    adam = Adam(count: self.network.parameters.count, rate: Float(settings.rate))
    replay = ExperienceReplay(capacity: settings.replay, seed: settings.seed)
  }

  package func freeze() throws -> Network {
    let dense = try network.network(name: name)
    guard hasSoftmax else { return dense }
    return try Network(
      name: name, inputName: dense.inputName, outputName: dense.outputName, inputShape: dense.inputShape,
      layers: dense.layers + [.softmax])
  }

  package func adapt(_ batch: Batch) throws -> Progress {
    var labeled = 0
    for (sample, input) in zip(batch.samples, batch.inputs) {
      guard input.count == inputs else {
        throw AdaptationError(
          .badBatch, "a sample has \(input.count) features; network \(name) takes \(inputs)")
      }
      guard let target = labeling(sample) else { continue }
      guard target.count == outputs,
        target.allSatisfy({ $0.isFinite || (settings.output != nil && $0.isNaN) })
      else {
        throw AdaptationError(
          .badBatch, "a label has \(target.count) values; network \(name) gives \(outputs)")
      }
      labeled += 1
      replay.add(Lesson(input: input, target: target))
    }
    guard replay.count > 0 else {
      return Progress(stability: Self.offset, figures: ["labeled": 0, "replay": 0])
    }
    let (before, adamBefore) = (network, adam)
    // Without new labels there is nothing to learn that was not.
    if labeled > 0 { learn() }
    let judged = replay.draw(Self.judged)
    let loss = Double(
      network.gradient(
        inputs: judged.map(\.input), targets: judged.map(\.target), loss: settings.loss
      ).loss)
    guard loss.isFinite, network.parameters.allSatisfy(\.isFinite) else {
      (network, adam) = (before, adamBefore)
      replay = ExperienceReplay(capacity: settings.replay, seed: settings.seed)
      throw AdaptationError(
        .adapterFailed,
        "training of network \(name) diverged; it goes on from where it was, with new samples",
        remedy: "use a smaller rate, or features and labels of moderate size")
    }
    let share = loss / baseline(judged)
    let value = (smoothed ?? share) * (1 - Self.smoothing) + share * Self.smoothing
    smoothed = value
    return Progress(
      stability: Self.offset + value,
      figures: ["loss": loss, "labeled": Double(labeled), "replay": Double(replay.count)])
  }

  /// The stability value is the loss as a part of what a network without knowledge has, plus this: so that
  /// the noise of a loss close to 0 does not look like movement.
  static let offset = 0.1

  package func evaluate(_ inputs: [[Float]]) throws -> [[Float]] {
    try inputs.map { input in
      guard input.count == self.inputs else {
        throw AdaptationError(
          .badBatch, "an input has \(input.count) values; network \(name) takes \(self.inputs)")
      }
      let outputs = network(input)
      return hasSoftmax ? Self.softmax(outputs) : outputs
    }
  }

  private func learn() {
    for _ in 0..<settings.steps {
      let lessons = replay.draw(settings.minibatch)
      let (_, gradient) = network.gradient(
        inputs: lessons.map(\.input), targets: lessons.map(\.target), loss: settings.loss)
      adam.step(&network.parameters, gradient, largestNorm: 10)
    }
  }

  /// The loss of a network that knows only the labels' mean, or nothing of the classes.
  private func baseline(_ lessons: [Lesson]) -> Double {
    guard settings.loss == .squaredError else { return Double(Float(outputs).logarithm) }
    var variance = 0.0
    for output in 0..<outputs {
      let known = lessons.map { Double($0.target[output]) }.filter { !$0.isNaN }
      let mean = known.reduce(0, +) / Double(max(known.count, 1))
      variance += known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    }
    return max(variance / Double(lessons.count) / 2, 1e-9)
  }

  static func label(
    _ sample: FunctionSample, _ settings: AdapterSettings.Supervised, outputs: Int
  ) -> [Float]? {
    switch settings.loss {
    case .squaredError where settings.output != nil:
      return labelOfOne(sample, settings, outputs: outputs)
    case .squaredError:
      guard settings.target + outputs <= sample.outcomes.count else { return nil }
      return sample.outcomes[settings.target..<(settings.target + outputs)].map {
        Float(Double($0) / settings.targetScale)
      }
    case .crossEntropy:
      guard sample.outcomes.indices.contains(settings.target),
        let number = Int(exactly: sample.outcomes[settings.target]), (0..<outputs).contains(number)
      else { return nil }
      return (0..<outputs).map { $0 == number ? 1 : 0 }
    }
  }

  private static func labelOfOne(
    _ sample: FunctionSample, _ settings: AdapterSettings.Supervised, outputs: Int
  ) -> [Float]? {
    guard let place = settings.output, sample.outcomes.indices.contains(place),
      sample.outcomes.indices.contains(settings.target), let output = Int(exactly: sample.outcomes[place]),
      (0..<outputs).contains(output)
    else { return nil }
    var target = [Float](repeating: .nan, count: outputs)
    target[output] = Float(Double(sample.outcomes[settings.target]) / settings.targetScale)
    return target
  }

  static func softmax(_ values: [Float]) -> [Float] {
    let largest = values.max() ?? 0
    let powers = values.map { Float.exponential($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}
