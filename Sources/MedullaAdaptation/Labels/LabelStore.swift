import Foundation
import MedullaLabels
import MedullaRetraining

/// What a `labels` adapter has learned, on disk: it is there again after a kill at any time.
///
/// The file is whole or the one before: it is written beside, and renamed. What it says of labels that were
/// learned from comes before the journal closes them, so that none is learned from twice, and none is lost.
struct LabelStore {
  struct Content: Codable {
    var version = 1
    var classes: [String]
    var features: [String]
    var learned: LearnedState
    var merging: LabelMerging
    /// What people said and was not learned from yet.
    var given: [OnlineClassifier.LabelledFlow]
    /// Samples that were learned from, and that the journal may still have open.
    var closing: [UInt64]
  }

  /// nil: nothing outlives this process.
  let path: String?

  /// - Returns: nil where nothing was written yet.
  /// - Throws: `badSettings` where the file is of other classes or features, or damaged.
  func read(_ schema: LabelSchema) throws(AdaptationError) -> Content? {
    guard let path, FileManager.default.fileExists(atPath: path) else { return nil }
    let content: Content
    do {
      content = try JSONDecoder().decode(Content.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw AdaptationError(
        .badSettings, "\(path), which has what was learned from labels, cannot be read", cause: "\(error)",
        remedy: "move it away: the memory begins anew, and what agents may still cost is kept elsewhere")
    }
    guard content.version == 1, content.classes == schema.classes,
      content.features == schema.features.map({ "\($0)" })
    else {
      throw AdaptationError(
        .badSettings, "\(path) has labels of other classes or features than the network that is attached",
        remedy: "attach that network again, or move the file away")
    }
    return content
  }

  /// - Throws: what the file system says; the old file is then still there.
  func write(_ content: Content) throws {
    guard let path else { return }
    let beside = path + ".new"
    do {
      let data = try JSONEncoder().encode(content)
      guard
        FileManager.default.createFile(atPath: beside, contents: nil, attributes: [.posixPermissions: 0o600])
      else { throw CocoaError(.fileWriteUnknown) }
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: beside))
      defer { try? file.close() }
      try file.write(contentsOf: data)
      try file.synchronize()
      guard rename(beside, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    } catch {
      try? FileManager.default.removeItem(atPath: beside)
      throw AdaptationError(
        .adapterFailed, "what was learned from labels cannot be written to \(path)", cause: "\(error)")
    }
  }
}
