import MedullaKernel

/// A datapath function: one eBPF source, compiled for each shape.
public enum DatapathFunction: String, CaseIterable, Sendable, Codable {
  /// Inference by test run, for checks and benchmarks.
  case query
  /// TCP congestion control.
  case congestion

  var source: String { "\(rawValue).bpf.c" }
  /// The object's file name in a bundle.
  public var objectName: String { "\(rawValue).bpf.o" }

  /// What the function asks of a network; nil when any will do.
  public var requiredInputsAndOutputs: (inputs: Int, outputs: Int)? {
    switch self {
    case .query: nil
    case .congestion: (CongestionConfiguration.featureCount, 1)
    }
  }

  /// Whether a network of this size can serve the function.
  public func accepts(inputs: Int, outputs: Int) -> Bool {
    requiredInputsAndOutputs.map { $0 == (inputs, outputs) } ?? true
  }

  /// Compiles the function for the shape that `header` describes.
  public func object(header: String, compiler: BPFCompiler) throws -> [UInt8] {
    var files = EmbeddedSources.files
    files["shape.h"] = header
    return try compiler.object(source: source, files: files)
  }
}
