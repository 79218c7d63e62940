import Foundation
import MedullaCodegen
import MedullaCongestion
import MedullaDatapath
import MedullaKernel
import MedullaSnapshot

/// What user-space inference with one snapshot runs, compiled once for any number of runs.
///
/// The native agent lies in the temporary directory as long as this object lives.
package final class UserSpacePrograms: Sendable {
  let kernel: [UInt8]
  /// The native agent's path.
  let agent: String

  /// - Parameter snapshot: 30 features in, 1 action out.
  /// - Throws: `DatapathError` for another network, `KernelError` without a compiler.
  package init(_ snapshot: Snapshot) throws {
    let datapath = try DatapathSnapshot(SnapshotFile(snapshot), name: "user-space", objects: [:])
    guard CongestionControl.sizes.accepts(inputs: datapath.inputs, outputs: datapath.outputs) else {
      throw DatapathError(
        .wrongShape, "a network of \(datapath.inputs) inputs and \(datapath.outputs) outputs cannot steer",
        remedy: "give one for the congestion control: \(CongestionConfiguration.recentFeatureCount) or "
          + "\(CongestionConfiguration.featureCount) inputs, 1 or 2 outputs")
    }
    var sources = BaselineSources.programs
    sources["shape.h"] = try datapath.header
    kernel = try BPFCompiler().object(source: "user_space.bpf.c", files: sources)
    var files = BaselineSources.agent
    let program = NativeProgram(shape: snapshot.shape)
    files["shape.h"] = program.text
    files["network.h"] = program.definition(of: snapshot, named: "network")
    agent = try NativeCompiler(clang: .find()).program(
      source: "inference_agent.c", files: files, options: ["-O3", "-march=native"])
  }

  deinit { try? FileManager.default.removeItem(atPath: agent) }
}
