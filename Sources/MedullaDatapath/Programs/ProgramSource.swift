import MedullaBase
import MedullaKernel

/// One eBPF source that is compiled for each shape, with the files that only it includes.
package struct ProgramSource: Sendable {
  /// Where a program has the network's inputs from.
  package enum Inputs: Sendable {
    /// From whoever asks it.
    case given
    /// The function's own, for a network that names none.
    case own
    /// Features of flows, for a network that names them.
    case flows
    /// Features of paths, and of flows, for a network that names some of paths.
    case paths
  }

  /// Of its source, `NAME.bpf.c`, and of its object in a bundle.
  package let name: String
  /// Networks that it can be compiled for.
  package let sizes: NetworkSizes
  package let inputs: Inputs
  /// By their names; the core's headers and `shape.h` are always there.
  private let files: [String: String]
  /// Over the names and texts of all that it may include, but for the shape.
  private let sources: [UInt8]

  package init(
    name: String, sizes: NetworkSizes = NetworkSizes(), inputs: Inputs = .own, files: [String: String]
  ) {
    self.name = name
    self.sizes = sizes
    self.inputs = inputs
    self.files = EmbeddedSources.headers.merging(files) { _, own in own }
    sources = EmbeddedSources.digest(of: self.files)
  }

  /// Inference by test run, for checks and benchmarks.
  package static let query = ProgramSource(name: "query", inputs: .given, files: EmbeddedSources.query)

  /// Whether it can be compiled for the snapshot's shape.
  package func accepts(_ snapshot: DatapathSnapshot) -> Bool {
    guard sizes.accepts(inputs: snapshot.inputs, outputs: snapshot.outputs) else { return false }
    return switch inputs {
    case .given: true
    case .own: snapshot.flows == nil
    case .flows: snapshot.flows?.isOfPaths == false
    case .paths: snapshot.flows?.isOfPaths == true
    }
  }

  /// The object's file name in a bundle.
  package var objectName: String { Self.objectName(name) }

  package static func objectName(_ name: String) -> String { "\(name).bpf.o" }

  package static func sourceName(_ name: String) -> String { "\(name).bpf.c" }

  /// SHA-256 of all that its object depends on, in hexadecimal: one with another digest is not used.
  package func digest(for shapeDigest: [UInt8]) -> String {
    SHA256.hash(sources + shapeDigest).hexadecimal
  }

  /// Compiles the program for the shape that `header` describes.
  package func object(
    header: String, compiler: BPFCompiler, options: [String] = []
  ) throws(KernelError) -> [UInt8] {
    var files = files
    files["shape.h"] = header
    return try compiler.object(source: Self.sourceName(name), files: files, options: options)
  }
}
