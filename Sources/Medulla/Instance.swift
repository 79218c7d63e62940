import Foundation
import MedullaBase
import MedullaCompile
import MedullaDatapath
import MedullaSnapshot

/// A network that runs in the kernel, by its name.
///
/// All state is the kernel's: nothing is remembered here, so any process can take an instance up.
public struct Instance: Sendable {
  let kernel: MedullaDatapath.Instance

  init(_ kernel: MedullaDatapath.Instance) { self.kernel = kernel }

  /// An instance that is attached already.
  ///
  /// - Throws: `MedullaError` when there is none of that name, or another version attached it.
  public init(named name: String) throws(MedullaError) {
    kernel = try translated {
      let kernel = try MedullaDatapath.Instance(name)
      _ = try kernel.status()
      return kernel
    }
  }

  /// Every instance of this machine that can be read.
  public static func all() throws(MedullaError) -> [Instance] {
    try translated {
      try FunctionList.all.statusOfAll().map { Instance(try MedullaDatapath.Instance($0.name)) }
    }
  }

  public var name: String { kernel.name.text }

  public func status() throws(MedullaError) -> Status {
    try translated { try Status(kernel.status()) }
  }

  /// Gives new flows another network; flows that run stay on theirs.
  ///
  /// One of the same shape is one map write and one store; another shape brings its own programs.
  public func update(_ bundle: CompiledNetwork) throws(MedullaError) {
    _ = try translated { try kernel.update(try DatapathSnapshot(bundle.files)) }
  }

  /// Gives new flows the network that was active before.
  public func rollback() throws(MedullaError) {
    _ = try translated { try kernel.rollback() }
  }

  /// Takes the instance away; its flows go on as before it was attached.
  public func detach() throws(MedullaError) {
    try translated { try kernel.detach() }
  }
}

/// An instance as the kernel has it, at one moment.
public struct Status: Sendable {
  public let name: String
  /// `congestion` or `packet`.
  public let function: String
  /// The digest of the snapshot that new flows take, and its number since the attachment.
  public let digest: String
  public let version: UInt64
  /// Flows that are on any of its snapshots now.
  public let flows: UInt64
  public let inferences: UInt64
  /// Samples sent up, and those that the full ring had no room for.
  public let samples: UInt64
  public let samplesDropped: UInt64
  /// Everything, as `medulla status --json` prints it.
  public let json: String

  init(_ status: InstanceStatus) throws {
    name = status.name
    function = status.function
    let active = status.slots.first { $0.state == .active }
    digest = active?.digest ?? ""
    version = active?.version ?? 0
    flows = status.slots.reduce(0) { $0 + $1.flows }
    inferences = status.slots.reduce(0) { $0 + $1.inferences }
    samples = status.samples
    samplesDropped = status.samplesDropped
    json = try JSONText.encode(status, keys: .asNamed)
  }
}
