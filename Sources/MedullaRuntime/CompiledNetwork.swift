import Foundation
import MedullaModel
import MedullaSnapshot

/// What a runtime loads: the integer network, and beside it the float one and the compiled programs where
/// they are at hand.
package struct CompiledNetwork: Sendable {
  package let name: String
  package let file: SnapshotFile
  /// The bundle that it was read from, with its programs.
  package let bundle: SnapshotBundle?
  private let float: Network?

  package var snapshot: Snapshot { file.snapshot }

  package init(_ bundle: SnapshotBundle) {
    name = URL(fileURLWithPath: bundle.path).deletingPathExtension().lastPathComponent
    file = bundle.file
    self.bundle = bundle
    float = nil
  }

  /// A network that was compiled in memory.
  package init(_ file: SnapshotFile, network: Network? = nil) {
    name = file.snapshot.record.networkName
    self.file = file
    bundle = nil
    float = network
  }

  /// The float network; a bundle's is read from its model.
  ///
  /// - Throws: `unsuitable` when there is none, and what reading throws.
  package func network() throws -> Network {
    if let float { return float }
    guard let bundle else {
      throw RuntimeError(
        .unsuitable, "\(name) has no float network", remedy: "load it from a bundle, which holds its model")
    }
    return try ONNXReader.read(contentsOf: bundle.modelPath)
  }

  /// The middle of each feature's calibrated range, in fixed point: a row to try a network with.
  package var middle: [Int64] {
    snapshot.shape.fixedPoint(snapshot.record.featureRanges.map { Float(($0.low + $0.high) / 2) })
  }
}
