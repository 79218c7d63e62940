import Foundation
import MedullaAdaptation
import MedullaModel
import MedullaNF

/// A chain file: the chain, and where the process of each of its functions comes from.
package struct ChainFile: Sendable, Equatable {
  /// How a function's process comes to be.
  package enum Launch: Sendable, Equatable {
    /// A function of Medulla's own, by its kind.
    case builtIn(kind: String, ProcessIsolation)
    /// A program and its arguments.
    case command([String], ProcessIsolation)
    /// Nobody starts it: it comes to the chain's socket by itself.
    case attaches
  }

  static let byteLimit = 1 << 18
  /// How long a pipe may say nothing before it is given up.
  private static let patience = Duration.seconds(5)

  package var settings: ChainSettings
  /// By function.
  package var launches: [String: Launch]
  package var path: String
  package var directory: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }

  /// Reads a file; relative paths in it are from its own directory.
  ///
  /// - Throws: `badConfiguration` with every problem and its place, `io` when the file cannot be read.
  package init(path: String) throws(ControlError) {
    let absolute = URL(fileURLWithPath: path).standardizedFileURL
    let data: Data
    do {
      data = try BoundedInput.read(path, limit: Self.byteLimit, patience: Self.patience)
    } catch {
      throw ControlError(
        .io, "the chain file \(path) \(error.reason)",
        remedy: "docs/reference/chain-file.md has one to begin with")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw ControlError(.badConfiguration, "\(path) is not UTF-8 text", remedy: "store it as UTF-8")
    }
    try self.init(text: text, path: absolute.path)
  }

  /// - Parameter path: how errors name it, and from whose directory relative paths go.
  package init(text: String, path: String) throws(ControlError) {
    let (file, problems) = Self.read(text, path: path)
    guard let file, problems.isEmpty else {
      throw ControlError(
        .badConfiguration, problems.map { "\(path):\($0)" }.joined(separator: "\n"),
        remedy: "docs/reference/chain-file.md lists every key with its range")
    }
    self = file
  }

  private init(settings: ChainSettings, path: String) {
    self.settings = settings
    self.path = path
    launches = [:]
  }

  /// What the text says, and everything that is wrong with it, by place.
  static func read(_ text: String, path: String) -> (ChainFile?, [ConfigurationProblem]) {
    ConfigurationDocument.read(text, as: "chain; begin with the key name") { root in
      var file = ChainFile(
        settings: ChainSettings(
          name: root.requiredString("name", example: "files"),
          interface: root.requiredString("interface", example: "eth0")), path: path)
      file.take(&root)
      return file
    } _: {
      $0.settings.problems()
    }
  }
}
