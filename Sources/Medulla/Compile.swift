import Foundation
import MedullaCompile
import MedullaModel
import MedullaPacket
import MedullaSnapshot

/// How a network becomes integers.
public struct CompileOptions: Sendable {
  public enum Scheme: String, Sendable, CaseIterable {
    /// Weights of 8 bits, activations of 8 or 16; both of 16.
    case w8a8, w8a10, w8a16, w16a16
  }

  /// nil: W8A16, or the cheapest that meets `maxError`.
  public var scheme: Scheme?
  /// The mean error that is allowed, as a part of the output's range; nil: whatever the scheme gives.
  public var maxError: Double?
  /// Ranges span this percentile of the calibration's values; 100 is all of them.
  public var percentile: Double

  public init(scheme: Scheme? = nil, maxError: Double? = nil, percentile: Double = 100) {
    self.scheme = scheme
    self.maxError = maxError
    self.percentile = percentile
  }
}

/// Makes the integer snapshot of a trained network and the eBPF programs of its shape.
///
/// The same model, calibration and options give the same bytes, and so the same digest.
///
/// - Parameters:
///   - model: `.onnx`, or `.safetensors` with a list of its layers beside it.
///   - calibration: `.npy` or `.csv`, one input a row: what live inputs look like. Features beyond
///     their range saturate.
///   - output: the model's output by its name; needed only where it has several.
///   - programs: paths of `.bpf.c` files, functions of one's own that the bundle is to carry.
///   - path: where the bundle is written; nil keeps it for as long as the value lives.
///   - options: the integers' widths, and which share of the calibration sets the ranges.
/// - Throws: `MedullaError` when the model cannot be read or is not supported, when a sum has no proof that
///   it stays inside its lanes, or when the compiler or the verifier refuses a program.
public func compile(
  model: String, calibration: String, output: String? = nil, programs: [String] = [],
  to path: String? = nil, options: CompileOptions = CompileOptions()
) throws(MedullaError) -> CompiledNetwork {
  try translated {
    guard options.scheme == nil || options.maxError == nil else {
      throw MedullaError(
        code: "bad_options", message: "both a scheme and a largest error are given",
        remedy: "give one: the largest error chooses the scheme")
    }
    let network = try Network.read(contentsOf: model, output: output)
    let samples = try SampleFile.read(calibration, elements: network.inputShape.count)
    let scheme = options.scheme.flatMap { QuantizationScheme(rawValue: $0.rawValue) } ?? .w8a16
    let compilation = Compilation(
      network, Calibration(samples: samples, ranges: nil),
      options: QuantizerOptions(scheme: scheme, percentile: options.percentile), maxError: options.maxError,
      own: try programs.map { try FunctionSource(contentsOf: $0) })
    guard let path else {
      let folder = try TemporaryFolder()
      return try CompiledNetwork(compilation.bundle(at: folder.path + "/network.medulla"), keeping: folder)
    }
    return try CompiledNetwork(compilation.bundle(at: path))
  }
}

/// A folder that goes with the last value that needs it.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    let name = "medulla-\(UUID().uuidString)"
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
