import MedullaBase
import MedullaModel
import MedullaRuntime
import MedullaSnapshot
import Synchronization

/// Networks of one shape with different numbers.
enum TestNetworks {
  static let inputs = 6

  static func dense(seed: Int, hidden: Int = 11) throws -> CompiledNetwork {
    var generator = SeededGenerator(seed: UInt64(seed))
    func dense(_ inputs: Int, _ outputs: Int) -> Layer {
      .dense(
        Dense(
          inputs: inputs, outputs: outputs,
          weights: (0..<inputs * outputs).map { _ in Float.random(in: -0.5...0.5, using: &generator) },
          bias: (0..<outputs).map { _ in Float.random(in: -0.5...0.5, using: &generator) }))
    }
    let network = try Network(
      name: "network-\(seed)", inputShape: TensorShape([inputs]),
      layers: [dense(inputs, hidden), .activation(.tanh), dense(hidden, 2)])
    let samples = (0..<64).map { _ in (0..<inputs).map { _ in Float.random(in: -2...2, using: &generator) } }
    let snapshot = try Quantizer().quantize(network, Calibration(samples: samples))
    return CompiledNetwork(try SnapshotFile(snapshot), network: network)
  }

  static func rows(count: Int) -> [[Int64]] {
    var generator = SeededGenerator(seed: 5)
    return (0..<count).map { _ in
      (0..<inputs).map { _ in Int64.random(in: -(3 << 16)...(3 << 16), using: &generator) }
    }
  }
}

/// Counted by any number of threads.
final class WrongAnswers: Sendable {
  private let number = Mutex(0)

  func add() { number.withLock { $0 += 1 } }
  var count: Int { number.withLock { $0 } }
}
