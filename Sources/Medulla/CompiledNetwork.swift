import Foundation
import MedullaCompile
import MedullaDatapath
import MedullaSnapshot

/// A compiled network: the integer snapshot, the float network that it came from, and its programs.
///
/// It loads on hosts that have no compiler.
public struct CompiledNetwork: Sendable {
  let files: SnapshotBundle
  private let folder: TemporaryFolder?

  init(_ files: SnapshotBundle, keeping folder: TemporaryFolder? = nil) {
    self.files = files
    self.folder = folder
  }

  /// Opens a bundle and checks its parts against each other.
  ///
  /// - Throws: `MedullaError` when a file is missing or damaged.
  public init(contentsOf path: String) throws(MedullaError) {
    let files = try translated { try SnapshotBundle.open(path) }
    self.init(files)
  }

  /// SHA-256 of the snapshot's file, in hexadecimal.
  public var digest: String { files.file.digest }
  public var inputs: Int { files.snapshot.shape.inputs }
  public var outputs: Int { files.snapshot.shape.outputs }
  /// The mean distance of the integers' outputs from the float network's on samples that the calibration kept
  /// apart, as a part of the output's range.
  public var meanError: Double { files.manifest.error.meanRelative }

  /// The network's outputs by the integer reference: the same bits as in the kernel.
  ///
  /// - Parameter input: as many values as the network has inputs, in its own units.
  /// - Throws: `MedullaError` for another number of values, or one that is not a finite number.
  public func run(_ input: [Float]) throws(MedullaError) -> [Float] {
    guard input.count == inputs else {
      throw MedullaError(
        code: "shape_mismatch", message: "\(input.count) values for a network of \(inputs) inputs",
        remedy: "give \(inputs)")
    }
    if let feature = input.firstIndex(where: { !$0.isFinite }) {
      throw MedullaError(
        code: "not_finite", message: "value \(feature) is \(input[feature])", remedy: "give finite numbers")
    }
    return ReferenceInterpreter(files.snapshot).run(input)
  }

  /// Copies the bundle to a place of its own.
  ///
  /// - Throws: `MedullaError` when something is there already.
  public func save(to path: String) throws(MedullaError) {
    try translated { try FileManager.default.copyItem(atPath: files.path, toPath: path) }
  }

  /// Runs the network in the kernel, under a name by which every process finds it.
  ///
  /// It stays when this process ends, until `Instance.detach()`.
  ///
  /// - Parameters:
  ///   - function: what it decides.
  ///   - name: a letter, then at most 14 letters, digits, `_` and `-`.
  ///   - settings: how flows keep their snapshot, and how many decisions go up as samples.
  /// - Throws: `MedullaError` when the network has other sizes than the function needs, the name is taken, or
  ///   a privilege is missing.
  public func attach(
    _ function: Function, name: String, settings: Settings = Settings()
  ) throws(MedullaError) -> Instance {
    try translated {
      let instance = try MedullaDatapath.Instance(name)
      try instance.attach(
        try function.make(), try DatapathSnapshot(files), settings: settings.instanceSettings)
      return Instance(instance)
    }
  }
}
