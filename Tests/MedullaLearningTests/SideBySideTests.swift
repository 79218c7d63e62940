import MedullaBase
import Testing

@testable import MedullaLearning

@Suite("Networks side by side")
struct SideBySideTests {
  static let activations = [DenseNetwork.Activation.tanh, .relu, .identity]

  static func parts(
    _ activations: [DenseNetwork.Activation] = SideBySideTests.activations
  ) throws -> [DenseNetwork] {
    var generator = SeededGenerator(seed: 3)
    return try [[5, 4, 3, 1], [5, 6, 2, 1]].enumerated().map { index, widths in
      var part = try DenseNetwork(widths: widths, activations: activations, seed: UInt64(index) + 1)
      for place in part.parameters.indices { part.parameters[place] += Float(generator.normal()) * 0.1 }
      return part
    }
  }

  /// Where the parameters of part `index` lie in the whole, in the part's own order.
  static func places(_ index: Int, of parts: [DenseNetwork], in whole: DenseNetwork) -> [Int] {
    var places: [Int] = []
    for layer in 0..<whole.layerCount {
      let (ins, outs) = (whole.widths[layer], whole.widths[layer + 1])
      let start = whole.offset(ofLayer: layer)
      let row = layer == 0 ? 0 : parts[..<index].reduce(0) { $0 + $1.widths[layer] }
      let column = parts[..<index].reduce(0) { $0 + $1.widths[layer + 1] }
      for input in 0..<parts[index].widths[layer] {
        for output in 0..<parts[index].widths[layer + 1] {
          places.append(start + (row + input) * outs + column + output)
        }
      }
      for output in 0..<parts[index].widths[layer + 1] { places.append(start + ins * outs + column + output) }
    }
    return places
  }

  @Test("the whole gives each part's output to the bit")
  func outputs() throws {
    let parts = try Self.parts()
    let whole = try DenseNetwork.sideBySide(parts)
    #expect(whole.widths == [5, 10, 5, 2])
    #expect(whole.isSound)
    var generator = SeededGenerator(seed: 8)
    for sample in 0..<200 {
      let input = (0..<5).map { _ in Float(generator.normal()) * 3 }
      #expect(whole(input) == parts.map { $0(input)[0] }, "sample \(sample), seed 8")
    }
  }

  @Test("weights between the parts are no connections, all other parameters are")
  func connections() throws {
    let parts = try Self.parts()
    let whole = try DenseNetwork.sideBySide(parts)
    var expected = [Float](repeating: 0, count: whole.parameters.count)
    for index in parts.indices {
      let places = Self.places(index, of: parts, in: whole)
      #expect(places.map { whole.parameters[$0] } == parts[index].parameters)
      for place in places { expected[place] = 1 }
    }
    #expect(whole.connections == expected)
    // 4·2 + 6·3 between the hidden layers, 3 + 2 before the outputs.
    #expect(expected.count { $0 == 0 } == 4 * 2 + 6 * 3 + 3 + 2)
    let dense = try DenseNetwork(widths: [5, 4, 2], activations: [.tanh, .identity], seed: 1)
    #expect(dense.connections.allSatisfy { $0 == 1 }, "biases of 0 are to be learnt")
  }

  @Test("networks of other inputs or layers are refused, and so are none")
  func refusal() throws {
    let parts = try Self.parts()
    let inputs = try DenseNetwork(widths: [4, 4, 3, 1], activations: Self.activations, seed: 1)
    let layers = try DenseNetwork(widths: [5, 4, 1], activations: [.tanh, .identity], seed: 1)
    #expect(throws: LearningError.self) { try DenseNetwork.sideBySide([parts[0], inputs]) }
    #expect(throws: LearningError.self) { try DenseNetwork.sideBySide([parts[0], layers]) }
    #expect(throws: LearningError.self) { try DenseNetwork.sideBySide([]) }
  }

  // MARK: Training

  static func optimizer(_ parts: [DenseNetwork]) throws -> PolicyOptimizer {
    let critic = try DenseNetwork(widths: [5, 4, 1], activations: [.tanh, .identity], seed: 9)
    var options = PolicyOptimizer.Options()
    (options.discount, options.lambda) = (0, 0)
    options.minibatch = 64
    options.labelRate = 1e-2
    return PolicyOptimizer(
      policy: GaussianPolicy(mean: try .sideBySide(parts), logDeviation: -0.5), critic: critic,
      options: options, seed: 4)
  }

  /// Steps whose reward says something about the action, or nothing, and whose label is the sign of the first
  /// input, or nothing.
  static func trajectory(
    _ optimizer: PolicyOptimizer, isRewarded: Bool, isLabelled: Bool, seed: UInt64
  ) -> Trajectory {
    var generator = SeededGenerator(seed: seed)
    var trajectory = Trajectory(observationWidth: 5, criticWidth: 5)
    for _ in 0..<256 {
      let input = (0..<5).map { _ in Float(generator.normal()) }
      let mean = optimizer.policy.mean(input)[0]
      let action = mean + Float.exponential(optimizer.policy.logDeviation) * Float(generator.normal())
      trajectory.observations += input
      trajectory.criticObservations += input
      trajectory.actions.append(action)
      trajectory.logProbabilities.append(
        GaussianPolicy.logProbability(
          action: action, mean: mean, logDeviation: optimizer.policy.logDeviation))
      trajectory.rewards.append(isRewarded ? -(action - input[1]) * (action - input[1]) : 1)
      trajectory.values.append(0)
      trajectory.labels.append(isLabelled ? (input[0] > 0 ? 1 : -1) : 0)
    }
    return trajectory
  }

  @Test("training leaves what is between the parts at 0, and moves both parts")
  func noConnections() throws {
    let parts = try Self.parts([.tanh, .tanh, .identity])
    var optimizer = try Self.optimizer(parts)
    let before = optimizer.policy.mean
    let mask = before.connections
    for round in 0..<5 {
      let trajectory = Self.trajectory(
        optimizer, isRewarded: true, isLabelled: true, seed: UInt64(round) + 20)
      _ = optimizer.update([trajectory])
    }
    let after = optimizer.policy.mean.parameters
    #expect(zip(mask, after).allSatisfy { $0 == 1 || $1 == 0 })
    for index in parts.indices {
      let places = Self.places(index, of: parts, in: before)
      #expect(places.count { before.parameters[$0] != after[$0] } > places.count / 2, "part \(index)")
    }
  }

  @Test("labels change nothing of the action's part, and the judge learns them")
  func labelsAlone() throws {
    let parts = try Self.parts([.tanh, .tanh, .identity])
    var optimizer = try Self.optimizer(parts)
    let before = optimizer.policy.mean
    var report = PolicyOptimizer.Report()
    for round in 0..<40 {
      // All rewards are the same: no advantage, no policy gradient.
      let trajectory = Self.trajectory(
        optimizer, isRewarded: false, isLabelled: true, seed: UInt64(round) + 60)
      report = optimizer.update([trajectory])
    }
    let after = optimizer.policy.mean
    for place in Self.places(0, of: parts, in: before) {
      #expect(after.parameters[place] == before.parameters[place], "parameter \(place)")
    }
    #expect(report.labelLoss < 0.4, "from ln 2 or more")
    var generator = SeededGenerator(seed: 99)
    let right = (0..<400).count { _ in
      let input = (0..<5).map { _ in Float(generator.normal()) }
      return (after(input)[1] > 0) == (input[0] > 0)
    }
    #expect(right > 340, "\(right) of 400, seed 99")
  }

  @Test("the policy's gradient changes nothing of the judge", arguments: [true, false])
  func rewardsAlone(hasLabels: Bool) throws {
    let parts = try Self.parts([.tanh, .tanh, .identity])
    var optimizer = try Self.optimizer(parts)
    let before = optimizer.policy.mean
    for round in 0..<5 {
      var trajectory = Self.trajectory(
        optimizer, isRewarded: true, isLabelled: false, seed: UInt64(round) + 120)
      // Labels of no importance are as good as none.
      if !hasLabels { trajectory.labels = [] }
      _ = optimizer.update([trajectory])
    }
    let after = optimizer.policy.mean.parameters
    for place in Self.places(1, of: parts, in: before) {
      #expect(after[place] == before.parameters[place], "parameter \(place)")
    }
    let action = Self.places(0, of: parts, in: before)
    #expect(action.contains { after[$0] != before.parameters[$0] })
  }
}
