import MedullaBase
import MedullaKernel

/// One eBPF source that is compiled for each shape, with the files that only it includes.
package struct ProgramSource: Sendable {
  /// Of its source, `NAME.bpf.c`, and of its object in a bundle.
  package let name: String
  /// Networks that it can be compiled for.
  package let sizes: NetworkSizes
  /// By their names; the core's headers and `shape.h` are always there.
  private let files: [String: String]
  /// Over the names and texts of all that it may include, but for the shape.
  private let sources: [UInt8]

  package init(name: String, sizes: NetworkSizes = NetworkSizes(), files: [String: String]) {
    self.name = name
    self.sizes = sizes
    self.files = EmbeddedSources.headers.merging(files) { _, own in own }
    sources = EmbeddedSources.digest(of: self.files)
  }

  /// Inference by test run, for checks and benchmarks.
  package static let query = ProgramSource(name: "query", files: EmbeddedSources.query)

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
