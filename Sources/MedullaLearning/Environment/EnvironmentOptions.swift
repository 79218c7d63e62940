import MedullaBase
import MedullaFrames

/// The paths that the congestion environment draws from, one anew for each episode.
package struct EnvironmentOptions: Sendable, Equatable {
  /// Bits a second, drawn on a logarithmic scale.
  package var rate: ClosedRange<Double> = 5e6...200e6
  /// Round-trip propagation time in seconds, on a logarithmic scale.
  package var roundTrip: ClosedRange<Double> = 0.005...0.1
  /// Bandwidth-delay products of buffer, on a logarithmic scale; at least 6 packets are given.
  package var buffer: ClosedRange<Double> = 0.5...4
  /// Random loss, as a probability for each packet.
  package var loss: ClosedRange<Double> = 0...0
  /// Flows on the link; the first is the agent's, the others follow `CompetingFlow`.
  package var flows: ClosedRange<Double> = 1...1
  /// Share of the link that unresponsive traffic takes.
  package var cross: ClosedRange<Double> = 0...0
  /// Times that the capacity changes in an episode, to 0.3 to 3 times what it was at first.
  package var changes: ClosedRange<Double> = 0...0
  /// Factor on the agent's rate at its first decision, on a logarithmic scale.
  package var disturbance: ClosedRange<Double> = 0.3...3
  /// Decisions of one episode.
  package var steps = 200

  package init() {}

  private struct Entry: Sendable {
    let name: String
    let unit: Double
    let bounds: ClosedRange<Double>
    let path: WritableKeyPath<EnvironmentOptions, ClosedRange<Double>> & Sendable
  }

  /// Names, the options' units in this type's, and what is allowed.
  private static let entries = [
    Entry(name: "bandwidth", unit: 1e6, bounds: 0.1...10_000, path: \.rate),
    Entry(name: "rtt", unit: 1e-3, bounds: 0.1...2_000, path: \.roundTrip),
    Entry(name: "buffer", unit: 1, bounds: 0.05...100, path: \.buffer),
    Entry(name: "loss", unit: 1, bounds: 0...0.5, path: \.loss),
    Entry(name: "flows", unit: 1, bounds: 1...16, path: \.flows),
    Entry(name: "cross", unit: 1, bounds: 0...0.9, path: \.cross),
    Entry(name: "changes", unit: 1, bounds: 0...16, path: \.changes),
    Entry(name: "disturbance", unit: 1, bounds: 0.1...10, path: \.disturbance),
  ]
  static let stepsBounds = 1.0...100_000

  /// Takes options as the protocol has them: `bandwidth` in Mbit/s, `rtt` in ms, `buffer` in bandwidth-delay
  /// products, `loss` and `cross` as shares, each a number or `[low, high]`; `steps` a number.
  /// - Throws: `invalidOption` that names the option.
  package init(_ fields: [String: FrameValue]) throws(LearningError) {
    for (name, value) in fields {
      if name == "steps" {
        guard let count = value.number, Self.stepsBounds.contains(count), let steps = value.count else {
          throw LearningError(.invalidOption, "`steps` must be a whole number, 1 to 100000")
        }
        self.steps = steps
        continue
      }
      guard let entry = Self.entries.first(where: { $0.name == name }) else {
        throw LearningError(
          .invalidOption, "the environment has no option `\(name)`",
          remedy: "It has \(Self.entries.map(\.name).joined(separator: ", ")) and steps.")
      }
      guard let (low, high) = Self.pair(value), low <= high, entry.bounds.contains(low),
        entry.bounds.contains(high)
      else {
        throw LearningError(
          .invalidOption,
          "`\(name)` must be a number or [low, high] within "
            + "\(entry.bounds.lowerBound)...\(entry.bounds.upperBound)")
      }
      self[keyPath: entry.path] = (low * entry.unit)...(high * entry.unit)
    }
  }

  private static func pair(_ value: FrameValue) -> (Double, Double)? {
    if let number = value.number { return (number, number) }
    guard let list = value.list, list.count == 2, let low = list[0].number, let high = list[1].number else {
      return nil
    }
    return (low, high)
  }

  /// The path of the episode that `seed` stands for.
  func scenario(seed: UInt64) -> AuroraScenario {
    var generator = SeededGenerator(seed: seed)
    let rate = generator.logUniform(self.rate)
    let roundTrip = generator.logUniform(self.roundTrip)
    let product = AuroraScenario.product(rate: rate, roundTrip: roundTrip)
    let bufferPackets = max(generator.logUniform(buffer) * product, 6)
    let count = Int(generator.uniform(flows).rounded())
    let step = roundTrip + 0.001
    let length = Double(steps) * step
    let starts = (0..<count).map { $0 == 0 ? 0 : generator.uniform(0...0.5) * length }
    var link = LinkScenario(
      rate: rate, bufferBytes: Int(bufferPackets * 1500),
      flows: starts.map { .init(start: $0, roundTrip: roundTrip) })
    link.loss = loss.lowerBound > 0 ? generator.logUniform(loss) : generator.uniform(loss)
    link.crossRate = rate * generator.uniform(cross)
    link.jitter = 50e-6
    for _ in 0..<Int(generator.uniform(changes).rounded()) {
      let time = generator.uniform(0.1...1) * length
      link.changes.append(.init(time: time, rate: max(rate * generator.logUniform(0.3...3), 1e5)))
    }
    link.changes.sort { $0.time < $1.time }
    link.seed = generator.next()
    let disturbance = generator.logUniform(self.disturbance)
    return AuroraScenario(
      link: link, disturbances: (0..<count).map { $0 == 0 ? disturbance : 1 }, duration: 6 * length + 5)
  }
}
