import Glibc
import MedullaKernel

/// Takes an instance's samples out of the kernel, by the caller's own timer.
///
/// All program sets of an instance share one ring, also those that come later. One reader at a time: a
/// second one is refused, and a reader that dies makes room for the next.
package final class FunctionSamples {
  private let instance: Instance
  private var source: Source

  /// Fraction bits of features and outputs in the samples.
  package var featureFractionBits: Int { source.formats.featureFractionBits }
  package var outputFractionBits: Int { source.formats.outputFractionBits }

  /// Tells the attachment that was drained last from one that took its name after it.
  package var attachment: UInt64? { source.directory }

  /// - Throws: `notAttached`, or `busy` when another process reads the instance's samples.
  init(_ instance: Instance) throws {
    self.instance = instance
    source = try Source(instance)
  }

  /// The samples since the last call, oldest first; at most what the ring holds.
  ///
  /// - Throws: `notAttached` when the instance is gone. One that was attached anew is read from there on.
  package func drain() throws -> [FunctionSample] {
    let path = PinnedInstance.path(of: instance.name)
    guard BPFFileSystem.identity(of: path) == source.directory else {
      source = try Source(instance)
      return try source.drain()
    }
    return try source.drain()
  }

  /// Samples that were not sent up because the ring was full, since the instance was attached.
  package func dropped() throws -> UInt64 { try source.shared.total().samples_dropped }

  /// The ring of one attachment.
  private final class Source {
    let directory: UInt64?
    let shared: SharedMaps
    let formats: FunctionFormats
    private let ring: RingBuffer
    private let limit: Int
    private let lock: DirectoryLock

    init(_ attached: Instance) throws {
      let name = attached.name
      let instance = try attached.pinned()
      let path = PinnedInstance.path(of: name)
      guard let lock = try DirectoryLock(path) else {
        throw DatapathError(
          .busy, "another process reads the samples of \(name)",
          remedy: "one at a time: end the other reader, such as the daemon, first")
      }
      self.lock = lock
      directory = BPFFileSystem.identity(of: path)
      formats = try instance.current().control.formats
      shared = try instance.shared()
      ring = try RingBuffer(shared.map(SharedMaps.samplesName))
      // What one full ring can hold at most: a drain ends even when samples come faster than they are read.
      limit = try max(shared.map(SharedMaps.samplesName).entryLimit / SampleRecord.leastBytes, 1)
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

extension Instance {
  /// Takes the instance's samples from now on.
  ///
  /// - Throws: `notAttached`, or `busy` when another process reads them.
  package func samples() throws -> FunctionSamples { try FunctionSamples(self) }

  /// Asks the live snapshot, in the kernel.
  package func query() throws -> LiveQuery { try LiveQuery(self) }
}
