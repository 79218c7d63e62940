import MedullaBase
import MedullaLearning
import MedullaModel
import TestbedMeasures

/// A float network of the paper's applications, and inputs for it.
struct ComparedNetwork {
  enum Kind: String, CaseIterable {
    /// The network that comes with Medulla, trained.
    case shipped
    /// Congestion control, 30-32-16-1 with tanh (Aurora).
    case aurora
    /// Congestion control, 30-64-32-1 with tanh (MOCC).
    case mocc
    /// Flow scheduling, two hidden layers of 5 with ReLU (FFNN of FLUX).
    case ffnn
    /// Load balancing, two hidden layers of 12 with ReLU (the paper's MLP, §5.3).
    case mlp

    /// Whether its weights are drawn, so that several seeds make sense.
    var isDrawn: Bool { self != .shipped }

    private var widths: [Int] {
      switch self {
      case .shipped, .aurora: [30, 32, 16, 1]
      case .mocc: [30, 64, 32, 1]
      case .ffnn: [6, 5, 5, 1]
      case .mlp: [16, 12, 12, 4]
      }
    }

    /// Weights from N(0, 1 / inputs), which keep the output of the order of 1, as a rate's share is.
    func drawn(samples: Int, seed: UInt64) throws -> ComparedNetwork {
      let hidden: DenseNetwork.Activation = self == .ffnn || self == .mlp ? .relu : .tanh
      let activations = [hidden, hidden, .identity]
      let dense = try DenseNetwork(widths: widths, activations: activations, seed: seed)
      var generator = SeededGenerator(seed: seed &+ 1)
      let inputs = (0..<samples).map { _ in (0..<widths[0]).map { _ in Float(generator.normal()) } }
      return ComparedNetwork(name: rawValue, network: try dense.network(name: rawValue), samples: inputs)
    }
  }

  var name: String
  var network: Network
  /// `[n][inputs]`.
  var samples: [[Float]]

  static func shipped(directory: String) throws -> ComparedNetwork {
    let (network, samples) = try ShippedNetwork.read(directory)
    return ComparedNetwork(name: Kind.shipped.rawValue, network: network, samples: samples)
  }

  static func file(_ model: String, _ samples: String) throws -> ComparedNetwork {
    let network = try ONNXReader.read(contentsOf: model)
    let name = model.split(separator: "/").last.map(String.init) ?? model
    return ComparedNetwork(
      name: name, network: network,
      samples: try SampleFile.read(samples, elements: network.inputShape.count))
  }
}
