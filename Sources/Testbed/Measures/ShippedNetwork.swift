import Foundation
import MedullaBase
import MedullaModel
import MedullaSnapshot
import TestbedLink

/// A network that comes with Medulla, as two snapshots of one shape.
package struct ShippedNetwork: Sendable {
  package enum Name: String, CaseIterable, Sendable {
    /// Aurora's thirty features to an action: what the experiments of papers use.
    case aurora = "aurora-medulla"
    /// The same actions, and a verdict on rivals from twenty features more.
    case congestion = "congestion-medulla"

    package var model: String { rawValue + ".onnx" }
    package var calibration: String { rawValue + "-calibration.npy" }
  }

  package let first: Snapshot
  package let second: Snapshot

  /// Quantizes the network of a directory twice: on all of its calibration samples, and on two in three. The
  /// second is what a new calibration of a running network gives: another image for the same program.
  package init(_ name: Name = .aurora, directory: String) throws {
    let (network, samples) = try Self.read(directory, name)
    first = try Quantizer().quantize(network, Calibration(samples: samples))
    let fewer = samples.indices.filter { $0 % 3 != 0 }.map { samples[$0] }
    second = try Quantizer(QuantizerOptions(matching: first.shape))
      .quantize(network, Calibration(samples: fewer))
  }

  /// The float network of a directory, and the observations that come with it.
  package static func read(
    _ directory: String, _ name: Name = .aurora
  ) throws -> (network: Network, samples: [[Float]]) {
    let network = try ONNXReader.read(contentsOf: "\(directory)/\(name.model)")
    return (
      network,
      try SampleFile.read("\(directory)/\(name.calibration)", elements: network.inputShape.count)
    )
  }

  /// Compiles the network of a directory into a bundle, by the `medulla` that lies beside a program.
  package static func compile(from directory: String, to bundle: String, executable: String) throws {
    try ChildProcess.run(
      [
        SiblingProgram.path("medulla", beside: executable), "compile", "\(directory)/\(Name.aurora.model)",
        "--calibration", "\(directory)/\(Name.aurora.calibration)", "-o", bundle,
      ], within: .seconds(120))
  }

  /// Where the shipped files are: `models` below the working directory, or beside the program's directory.
  package static func directory() throws -> String {
    try ProjectFile.directory("models", holding: Name.aurora.model, remedy: "give --models")
  }
}
