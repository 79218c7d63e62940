import MedullaBase
import MedullaDatapath
import MedullaLearning
import MedullaModel

@testable import MedullaAdaptation
@testable import MedullaCongestionAdapter

/// Networks and batches that the tests of this module share.
enum LearningCases {
  static func network(_ widths: [Int], seed: UInt64 = 1, softmax: Bool = false) throws -> Network {
    let dense = try DenseNetwork(
      widths: widths,
      activations: [DenseNetwork.Activation](repeating: .tanh, count: widths.count - 2) + [.identity],
      seed: seed)
    let network = try dense.network(name: "case")
    guard softmax else { return network }
    return try Network(name: "case", inputShape: network.inputShape, layers: network.layers + [.softmax])
  }

  /// Two features; the outcome 0 is 1000 · (x − y), outcome 1 is 1 when x > y, else 0.
  static func labeled(batches: Int, samples: Int = 48, seed: UInt64 = 3) -> [Batch] {
    var generator = SeededGenerator(seed: seed)
    return (0..<batches).map { index in
      Batch(
        samples: (0..<samples).map { _ in
          let (x, y) = (
            Double.random(in: -1...1, using: &generator), Double.random(in: -1...1, using: &generator)
          )
          return FunctionSample(
            nanoseconds: UInt64(index), flow: 1, version: 1, features: [Int64(x * 65536), Int64(y * 65536)],
            outputs: [0], outcomes: [Int64((x - y) * 1000), x > y ? 1 : 0])
        })
    }
  }

  /// Samples of flows on a path, as the congestion control sends them up.
  static func path(
    megabits: Double, milliseconds: Double, queue: Double = 0.1, loss: Double = 0, flows: Int = 1,
    samples: Int = 64, seconds: Double = 0, version: UInt64 = 1, seed: UInt64 = 5
  ) -> Batch {
    var generator = SeededGenerator(seed: seed)
    return Batch(
      samples: (0..<samples).map { index in
        let noise = Double.random(in: 0.95...1.05, using: &generator)
        let delivered = megabits * 1e6 / 8 / PathEstimate.packetShare / Double(flows) * noise
        let acknowledged = Int64(delivered * milliseconds / 1e3 / 1448) + 1
        let queueing = Double.random(in: 0...(2 * queue), using: &generator)
        let outcome = [
          acknowledged, Int64((Double(acknowledged) * loss).rounded()), 0,
          Int64(milliseconds * 1000 * (1 + queueing)), Int64(milliseconds * 1000),
          Int64(milliseconds * 1000), Int64(delivered), Int64(delivered),
        ]
        return FunctionSample(
          nanoseconds: UInt64(seconds * 1e9) + UInt64(index) * 1_000_000, flow: UInt64(index % flows) + 1,
          version: version, features: (0..<10).flatMap { _ in [0, 65536, 65536] }, outputs: [0],
          outcomes: outcome)
      })
  }
}
