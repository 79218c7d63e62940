import Glibc
import MedullaKernel

/// Takes an instance's samples out of the kernel, by the caller's own timer.
///
/// All program sets of an instance share one ring, also those that come later. One reader at a time: a
/// second one is refused, and a reader that dies makes room for the next.
public final class FunctionSamples {
  private let name: InstanceName
  private var source: Source

  /// Fraction bits of features and outputs in the samples.
  public var featureFractionBits: Int { source.formats.featureFractionBits }
  public var outputFractionBits: Int { source.formats.outputFractionBits }

  /// Tells the attachment that was drained last from one that took its name after it.
  public var attachment: UInt64? { source.directory }

  /// - Throws: `notAttached`, or `busy` when another process reads the instance's samples.
  public init(name: String) throws {
    self.name = try InstanceName(name)
    source = try Source(self.name)
  }

  /// The samples since the last call, oldest first; at most what the ring holds.
  ///
  /// - Throws: `notAttached` when the instance is gone. One that was attached anew is read from there on.
  public func drain() throws -> [FunctionSample] {
    let path = AttachedInstance.path(of: name)
    guard BPFFileSystem.identity(of: path) == source.directory else {
      source = try Source(name)
      return try source.drain()
    }
    return try source.drain()
  }

  /// Samples that were not sent up because the ring was full, since the instance was attached.
  public func dropped() throws -> UInt64 { try source.shared.total().samplesDropped }

  /// The ring of one attachment.
  private final class Source {
    let directory: UInt64?
    let shared: SharedMaps
    let formats: FunctionFormats
    private let ring: RingBuffer
    private let limit: Int
    private let lock: DirectoryLock

    init(_ name: InstanceName) throws {
      let instance = try AttachedInstance(name)
      let path = AttachedInstance.path(of: name)
      guard let lock = try DirectoryLock(path) else {
        throw DatapathError(
          .busy, "another process reads the samples of \(name)",
          remedy: "one at a time: end the other reader, such as the daemon, first")
      }
      self.lock = lock
      directory = BPFFileSystem.identity(of: path)
      formats = try instance.current().control.formats
      shared = try instance.shared()
      ring = try RingBuffer(shared.samples)
      // What one full ring can hold at most: a drain ends even when samples come faster than they are read.
      limit = max(shared.samples.entryLimit / SampleRecord.leastBytes, 1)
    }

    func drain() throws -> [FunctionSample] {
      var samples: [FunctionSample] = []
      try ring.consume(limit: limit) { record in
        if let sample = SampleRecord.read(record) { samples.append(sample) }
      }
      return samples
    }
  }
}
