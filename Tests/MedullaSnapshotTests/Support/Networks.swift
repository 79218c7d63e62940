import Foundation
import MedullaBase
import MedullaModel
import MedullaSnapshot

/// Small networks and calibrations that tests share.
enum Networks {
  static func chain(
    _ widths: [Int], _ activations: [Activation?], seed: UInt64, scale: Double = 1
  ) throws -> Network {
    var generator = SeededGenerator(seed: seed)
    var layers: [Layer] = []
    for (index, activation) in activations.enumerated() {
      let reach = scale * 2 / Double(widths[index]).squareRoot()
      func draw(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float((generator.unit() * 2 - 1) * reach) }
      }
      layers.append(
        .dense(
          Dense(
            inputs: widths[index], outputs: widths[index + 1],
            weights: draw(widths[index] * widths[index + 1]),
            bias: draw(widths[index + 1]))))
      if let activation { layers.append(.activation(activation)) }
    }
    return try Network(name: "chain", inputShape: TensorShape([widths[0]]), layers: layers)
  }

  static func samples(_ count: Int, of features: Int, seed: UInt64, reach: Double = 1) -> [[Float]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      (0..<features).map { _ in Float((generator.unit() * 2 - 1) * reach) }
    }
  }

  static func aurora() throws -> Network { try chain([30, 32, 16, 1], [.tanh, .tanh, nil], seed: 7) }

  /// The folder of shared test data; not part of the project, so tests that need it may be skipped.
  static let data = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/data")

  static var hasData: Bool { FileManager.default.fileExists(atPath: data.path) }
}
