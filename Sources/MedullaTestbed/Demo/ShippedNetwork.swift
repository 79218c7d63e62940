import Foundation
import MedullaDatapath
import MedullaModel
import MedullaSnapshot

/// The network that comes with Medulla, as two snapshots of one shape.
public struct ShippedNetwork: Sendable {
  public static let modelName = "aurora-medulla.onnx"
  public static let calibrationName = "aurora-medulla-calibration.npy"

  public let first: Snapshot
  public let second: Snapshot

  /// Quantizes the network of a directory twice: on all of its calibration samples, and on two in three. The
  /// second is what a new calibration of a running network gives: another image for the same program.
  public init(directory: String) throws {
    let network = try ONNXReader.read(contentsOf: "\(directory)/\(Self.modelName)")
    let samples = try SampleFile.read(
      "\(directory)/\(Self.calibrationName)", elements: network.inputShape.count)
    first = try Quantizer().quantize(network, Calibration(samples: samples))
    let fewer = samples.indices.filter { $0 % 3 != 0 }.map { samples[$0] }
    second = try Quantizer(QuantizerOptions(matching: first.shape))
      .quantize(network, Calibration(samples: fewer))
  }

  /// Compiles the network of a directory into a bundle, by the `medulla` program.
  static func compile(from directory: String, to bundle: String, executable: String) throws {
    try ChildProcess.run(
      [
        executable, "compile", "\(directory)/\(modelName)", "--calibration",
        "\(directory)/\(calibrationName)", "-o", bundle,
      ], within: .seconds(120))
  }

  /// Where the shipped files are: `models` below the working directory, or beside the program's directory.
  public static func directory() throws -> String {
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    var places = ["models"]
    // bin/medulla, and .build/PLATFORM/release/medulla
    var folder = URL(fileURLWithPath: program)
    for _ in 0..<4 {
      folder.deleteLastPathComponent()
      places.append(folder.appendingPathComponent("models").path)
    }
    let found = places.first { FileManager.default.isReadableFile(atPath: "\($0)/\(modelName)") }
    guard let found else {
      throw TestbedError(
        .fileFailed, "The shipped network \(modelName) is not in \(places.joined(separator: ", ")).",
        remedy: "Run the command in the project's directory, or give --models.")
    }
    return found
  }
}
