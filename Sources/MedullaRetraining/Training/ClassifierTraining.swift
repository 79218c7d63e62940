import MedullaBase
import MedullaLearning

/// Trains a classifier on labelled rows: softmax cross-entropy, classes of like weight, Adam with fresh
/// moments.
///
/// Warm: it goes on from the network that it is given. Each weight stays within a bound, so that the integers
/// of the network can be proven; hidden units that are dead begin anew; what comes out is the mean of the
/// weights at the ends of the last half of the epochs (Polyak and Juditsky, 1992). The same rows, settings
/// and seed give the same bits.
package struct ClassifierTraining: Sendable, Equatable, Codable {
  package var epochs = 20
  package var batch = 32
  /// Falls from the first to the second over the epochs, evenly in the logarithm.
  package var rate: Float = 0.01
  package var lastRate: Float = 0.001
  /// A class weighs at most so many times what all of them weigh on average; 1: all rows weigh alike.
  package var classWeightCap: Float = 10
  /// By which each parameter's square is held small.
  package var decay: Float = 0.0001
  /// No parameter's magnitude exceeds it.
  package var largestWeight: Float = 8
  /// A hidden unit that fires on a smaller share of the rows begins anew.
  package var leastFiring = 0.01
  /// Epochs without a better loss on held-out rows after which it ends; nothing is held out: never.
  package var patience = 10

  package init() {}

  package struct Result: Sendable, Equatable {
    package let network: DenseNetwork
    package let epochs: Int
    /// The mean loss on held-out rows of the best epoch; nil without such rows.
    package let heldOutLoss: Float?
    /// Units that began anew.
    package let revived: Int
  }

  /// - Parameters:
  ///   - rows: standardized.
  ///   - heldOut: rows that it stops by and does not learn from.
  /// - Throws: `badRows` where rows do not fit, `diverged` when weights are no longer finite.
  package func train(
    _ start: DenseNetwork, rows: [TrainingRow], heldOut: [TrainingRow] = [], seed: UInt64,
    meter: inout ComputeMeter
  ) throws(RetrainingError) -> Result {
    try check(start, rows + heldOut)
    var generator = SeededGenerator(seed: seed)
    var network = start
    let revived = revive(&network, rows, &generator)
    meter.noteTrainingPasses(rows: rows.count, network: network.multiplyAccumulates)
    let inputs = rows.map(\.features)
    let targets = rows.map { row in (0..<start.outputs).map { $0 == row.label ? Float(1) : 0 } }
    let weights = self.weights(rows, classes: start.outputs)
    var adam = Adam(count: network.parameters.count, rate: rate)
    var order = Array(rows.indices)
    var ends: [[Float]] = []
    var best: (loss: Float, epoch: Int)?
    for epoch in 0..<max(epochs, 1) {
      adam.rate = rate * power(lastRate / rate, Float(epoch) / Float(max(epochs - 1, 1)))
      order.shuffle(using: &generator)
      for first in stride(from: 0, to: order.count, by: batch) {
        let own = order[first..<min(first + batch, order.count)]
        step(&network, &adam, own, inputs, targets, weights)
      }
      meter.noteSteps(rows: rows.count, network: network.multiplyAccumulates)
      guard network.parameters.allSatisfy(\.isFinite) else {
        throw RetrainingError(
          .diverged, "weights left the finite numbers in epoch \(epoch + 1)",
          remedy: "Use a smaller rate, or look for rows with extreme values.")
      }
      ends.append(network.parameters)
      guard !heldOut.isEmpty else { continue }
      let loss = Self.loss(network, heldOut)
      meter.noteTrainingPasses(rows: heldOut.count, network: network.multiplyAccumulates)
      if loss < best?.loss ?? .infinity { best = (loss, epoch) }
      if let best, epoch - best.epoch >= patience { break }
    }
    let used = best.map { $0.epoch + 1 } ?? ends.count
    network.parameters = Self.mean(ends[(used / 2)..<used])
    meter.noteTraining()
    return Result(network: network, epochs: ends.count, heldOutLoss: best?.loss, revived: revived)
  }

  /// The mean loss of a network on rows, each of its weight.
  package static func loss(_ network: DenseNetwork, _ rows: [TrainingRow]) -> Float {
    let total = rows.reduce(Float(0)) { $0 + $1.weight }
    guard total > 0 else { return 0 }
    let sum = rows.reduce(Float(0)) { sum, row in
      let targets = (0..<network.outputs).map { $0 == row.label ? Float(1) : 0 }
      return sum + row.weight
        * Loss.crossEntropy.evaluate(outputs: network(row.features), targets: targets).value
    }
    return sum / total
  }

  private func check(_ network: DenseNetwork, _ rows: [TrainingRow]) throws(RetrainingError) {
    guard !rows.isEmpty,
      rows.allSatisfy({ row in
        row.features.count == network.inputs && (0..<network.outputs).contains(row.label)
          && row.weight.isFinite && row.weight >= 0 && row.features.allSatisfy(\.isFinite)
      })
    else {
      throw RetrainingError(
        .badRows,
        "\(rows.count) rows do not fit a network of \(network.inputs) inputs and \(network.outputs) classes",
        remedy: "Give at least one row, each with the network's inputs, a class of its and a finite weight.")
    }
    guard epochs > 0, epochs <= 10_000, batch > 0, rate > 0, lastRate > 0, largestWeight > 0 else {
      throw RetrainingError(.badSetting, "epochs, batch, rates and the weights' bound are to be positive")
    }
  }

  private func step(
    _ network: inout DenseNetwork, _ adam: inout Adam, _ own: ArraySlice<Int>, _ inputs: [[Float]],
    _ targets: [[Float]], _ weights: [Float]
  ) {
    var gradient = network.gradient(
      inputs: own.map { inputs[$0] }, targets: own.map { targets[$0] }, weights: own.map { weights[$0] },
      loss: .crossEntropy
    ).gradient
    for index in gradient.indices { gradient[index] += decay * network.parameters[index] }
    adam.step(&network.parameters, gradient, largestNorm: 5)
    for index in network.parameters.indices {
      network.parameters[index] = min(max(network.parameters[index], -largestWeight), largestWeight)
    }
  }

  /// Each row's own weight by its class's, with a mean of 1.
  private func weights(_ rows: [TrainingRow], classes: Int) -> [Float] {
    var sums = [Float](repeating: 0, count: classes)
    for row in rows { sums[row.label] += row.weight }
    let total = sums.reduce(0, +)
    let seen = Float(sums.filter { $0 > 0 }.count)
    let weights = rows.map { row in
      row.weight * min(total / (max(seen, 1) * max(sums[row.label], 1e-6)), max(classWeightCap, 1))
    }
    guard classWeightCap > 1 else {
      let mean = total / Float(rows.count)
      return rows.map { mean > 0 ? $0.weight / mean : 0 }
    }
    let mean = weights.reduce(0, +) / Float(rows.count)
    return weights.map { mean > 0 ? $0 / mean : 0 }
  }

  /// Units of ReLU that hardly ever fire get new weights, and nothing depends on them at first.
  private func revive(
    _ network: inout DenseNetwork, _ rows: [TrainingRow], _ generator: inout SeededGenerator
  ) -> Int {
    let hidden = network.widths.dropFirst().dropLast().reduce(0, +)
    var fired = [Int](repeating: 0, count: hidden)
    for row in rows {
      let trace = network.trace(row.features)
      for unit in 0..<hidden where trace[network.inputs + unit] > 0 { fired[unit] += 1 }
    }
    var (revived, base) = (0, 0)
    for layer in 0..<(network.layerCount - 1) {
      let (ins, outs) = (network.widths[layer], network.widths[layer + 1])
      defer { base += outs }
      guard network.activations[layer] == .relu else { continue }
      let (own, next) = (network.offset(ofLayer: layer), network.offset(ofLayer: layer + 1))
      let after = network.widths[layer + 2]
      for unit in 0..<outs where Double(fired[base + unit]) < leastFiring * Double(rows.count) {
        revived += 1
        for input in 0..<ins {
          let drawn = Float(generator.normal()) * (2 / Float(ins)).squareRoot()
          network.parameters[own + input * outs + unit] = drawn
        }
        network.parameters[own + ins * outs + unit] = 0.01
        for output in 0..<after {
          network.parameters[next + unit * after + output] = Float(generator.normal()) * 0.05
        }
      }
    }
    return revived
  }

  private static func mean(_ some: ArraySlice<[Float]>) -> [Float] {
    guard var sum = some.first else { return [] }
    for other in some.dropFirst() { for index in sum.indices { sum[index] += other[index] } }
    let count = Float(some.count)
    return sum.map { $0 / count }
  }

  private func power(_ base: Float, _ exponent: Float) -> Float {
    Float.exponential(base.logarithm * exponent)
  }
}
