import Foundation
import MedullaCodegen
import MedullaDatapath
import MedullaKernel
import MedullaSnapshot

/// What user-space inference with one snapshot runs, compiled once for any number of runs.
///
/// The native agent lies in the temporary directory as long as this object lives.
public final class UserSpacePrograms: Sendable {
  let kernel: [UInt8]
  /// The native agent's path.
  let agent: String

  /// - Parameter snapshot: 30 features in, 1 action out.
  /// - Throws: `DatapathError` for another network, `KernelError` without a compiler.
  public init(_ snapshot: Snapshot) throws {
    let datapath = try DatapathSnapshot(SnapshotFile(snapshot), name: "user-space")
    guard DatapathFunction.congestion.accepts(inputs: datapath.inputs, outputs: datapath.outputs) else {
      throw DatapathError(
        .wrongShape, "a network of \(datapath.inputs) inputs and \(datapath.outputs) outputs cannot steer",
        remedy: "give one of \(CongestionConfiguration.featureCount) inputs and 1 output")
    }
    var sources = BaselineSources.programs
    sources["shape.h"] = datapath.header
    kernel = try BPFCompiler().object(source: "user_space.bpf.c", files: sources)
    var files = BaselineSources.agent
    files["shape.h"] = NativeProgram(shape: snapshot.shape).text
    files["image.h"] = Self.imageHeader(snapshot.image)
    agent = try NativeCompiler(clang: .find()).program(
      source: "inference_agent.c", files: files, options: ["-O3", "-march=native"])
  }

  deinit { try? FileManager.default.removeItem(atPath: agent) }

  /// The words of a slot as C.
  static func imageHeader(_ image: [Int64]) -> String {
    let words = image.map { "0x" + String(UInt64(bitPattern: $0), radix: 16) + "ULL" }
    let lines = stride(from: 0, to: words.count, by: 4).map {
      "\t\t" + words[$0..<min($0 + 4, words.count)].joined(separator: ", ") + ",\n"
    }
    return "static const struct medulla_image image = {\n\t.words = {\n\(lines.joined())\t},\n};\n"
  }
}
