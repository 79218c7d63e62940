import Foundation
import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot

/// Networks of known layers with weights drawn at random, for studies of time. Switches leave out products of
/// zero, of which trained networks have far more: these take less time.
enum DrawnNetwork: String, CaseIterable {
  case miniAlexNet = "mini-alexnet"
  /// The same layers with few filters and neurons.
  case smallImages = "small-images"
  case tiny = "16-8-4-2"
  case small = "20-32-16-2"
  case wide = "1024-512-16"

  private static let seed: UInt64 = 1_912

  private var inputShape: TensorShape {
    switch self {
    case .miniAlexNet, .smallImages: TensorShape([3, 32, 32])
    case .tiny: TensorShape([16])
    case .small: TensorShape([20])
    case .wide: TensorShape([1_024])
    }
  }

  private var filters: [Int] {
    switch self {
    case .miniAlexNet: [64, 192, 384]
    case .smallImages: [4, 6, 8]
    case .tiny, .small, .wide: []
    }
  }

  private var neurons: [Int] {
    switch self {
    case .miniAlexNet: [4_096, 2_048, 10]
    case .smallImages: [48, 24, 10]
    case .tiny: [8, 4, 2]
    case .small: [32, 16, 2]
    case .wide: [512, 16]
    }
  }

  var isLarge: Bool { self == .miniAlexNet }

  /// Switches that its fabric has.
  var topology: (leaves: Int, spines: Int) { filters.isEmpty ? (3, 1) : (8, 4) }

  private func network(_ name: String, _ random: inout SeededGenerator) throws -> Network {
    var layers: [Layer] = []
    var inputs = inputShape.dimensions[0]
    for count in filters {
      layers.append(
        .convolution(
          Convolution(
            inputChannels: inputs, outputChannels: count, kernel: Extent(height: 3, width: 3),
            weights: Self.draw(count * inputs * 9, terms: inputs * 9, &random),
            bias: Self.draw(count, terms: 600, &random))))
      layers.append(.activation(.relu))
      layers.append(
        .pool(Pool(kind: .max, kernel: Extent(height: 2, width: 2), strides: Extent(height: 2, width: 2))))
      inputs = count
    }
    if !filters.isEmpty {
      inputs *= 4
      layers.append(.rearrange(Rearrangement(indices: Array(0..<inputs), shape: TensorShape([inputs]))))
    }
    for (number, outputs) in neurons.enumerated() {
      layers.append(
        .dense(
          Dense(
            inputs: inputs, outputs: outputs, weights: Self.draw(outputs * inputs, terms: inputs, &random),
            bias: Self.draw(outputs, terms: 600, &random))))
      if number < neurons.count - 1 { layers.append(.activation(.relu)) }
      inputs = outputs
    }
    return try Network(name: name, inputShape: inputShape, layers: layers)
  }

  /// He's scale for ReLU: a variance of 2 / terms.
  private static func draw(_ count: Int, terms: Int, _ random: inout SeededGenerator) -> [Float] {
    let reach = (6 / Double(terms)).squareRoot()
    return (0..<count).map { _ in Float((random.unit() * 2 - 1) * reach) }
  }

  /// The network in 8 bits, with inputs in its features' fixed point.
  ///
  /// - Parameters:
  ///   - version: another one has other weights.
  ///   - name: nil: its own.
  func drawn(
    inputs count: Int, version: UInt64 = 0, name: String? = nil
  ) throws -> (file: SnapshotFile, inputs: [[Int64]]) {
    var weights = SeededGenerator(seed: Self.seed + version)
    let network = try network(name ?? rawValue, &weights)
    var values = SeededGenerator(seed: Self.seed)
    let samples = (0..<max(count, 16)).map { _ in
      (0..<inputShape.count).map { _ in Float(values.unit()) }
    }
    let quantizer = Quantizer(QuantizerOptions(scheme: .w8a8))
    let file = try SnapshotFile(
      quantizer.quantize(network, Calibration(samples: Array(samples.prefix(64)))))
    return (file, samples.prefix(count).map { file.snapshot.shape.fixedPoint($0) })
  }
}
