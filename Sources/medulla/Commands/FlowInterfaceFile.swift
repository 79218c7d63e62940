import ArgumentParser
import Foundation
import MedullaFlows
import MedullaSnapshot

/// The text files that say what a network's inputs and outputs mean: a line each, in their order. Empty lines
/// and lines that begin with # say nothing.
enum FlowInterfaceFile {
  /// - Throws: `ValidationError` for a file that cannot be read or a line that is no feature, `CaptureError`
  ///   for a feature that there is not.
  static func read(features: String, labels: String?) throws -> FlowInterface {
    FlowInterface(features: try Self.features(features), labels: try labels.map(lines) ?? [])
  }

  static func features(_ path: String) throws -> [InputFeature] {
    let features = try lines(path).map { line in
      guard let feature = InputFeature(line) else {
        throw ValidationError("\(path): \"\(line)\" is neither FEATURE nor log2(1+FEATURE)")
      }
      return feature
    }
    try FlowInputs.check(features)
    return features
  }

  private static func lines(_ path: String) throws -> [String] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw ValidationError("\(path) cannot be read as text")
    }
    return text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") }
  }
}
