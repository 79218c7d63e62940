import Foundation
import Logging
import MedullaAdaptation
import MedullaModel
import MedullaSnapshot

/// Keeps the file and the float network of every snapshot that was staged, by its digest, so that a later
/// daemon can go on from it and a person can look at it.
///
/// What cannot be kept is logged and counted; the loop goes on.
final class SnapshotKeeper: @unchecked Sendable {
  let directory: String
  private let log: Logger
  private let lock = NSLock()
  private var failureCount: UInt64 = 0

  init(directory: String, log: Logger) {
    self.directory = directory
    self.log = log
  }

  var failures: UInt64 { lock.withLock { failureCount } }

  func path(digest: String) -> String { "\(directory)/\(digest).medulla" }
  func networkPath(digest: String) -> String { "\(directory)/\(digest).onnx" }

  /// The network behind a snapshot that was kept; nil when there is none, or when it cannot be used.
  func start(digest: String, samples: [[Float]]) -> StartNetwork? {
    guard Self.isDigest(digest), let file = try? SnapshotFile(path: path(digest: digest)),
      let network = try? ONNXReader.read(contentsOf: networkPath(digest: digest))
    else { return nil }
    return try? StartNetwork(network: network, samples: samples, shape: file.snapshot.shape)
  }

  /// Writes both files; the snapshot's path and size, nil when it could not be written.
  func keep(_ snapshot: SnapshotFile, network: Network) -> (path: String, bytes: Int)? {
    let digest = snapshot.digest
    guard Self.isDigest(digest) else { return nil }
    do {
      try write(Data(snapshot.bytes), to: path(digest: digest))
      try write(ONNXWriter.data(network), to: networkPath(digest: digest))
      return (path(digest: digest), snapshot.bytes.count)
    } catch {
      let isFirst = lock.withLock {
        defer { failureCount += 1 }
        return failureCount == 0
      }
      if isFirst { log.error("the snapshot \(digest.prefix(12)) cannot be kept: \(error)") }
      return nil
    }
  }

  private func write(_ data: Data, to path: String) throws {
    // Named by what is in it: a file that is there is right already.
    guard !FileManager.default.fileExists(atPath: path) else { return }
    try data.write(to: URL(fileURLWithPath: path), options: .atomic)
  }

  private static func isDigest(_ text: String) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }
}
