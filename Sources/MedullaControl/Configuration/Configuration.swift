import Foundation
import MedullaAdaptation
import MedullaModel

/// A whole configuration: the daemon and its functions.
package struct Configuration: Sendable, Equatable {
  /// Functions of one daemon.
  package static let functionLimit = 64
  /// Makes of a file of the format that was read before one of today's.
  package static let conversion =
    "python3 -c 'import sys, tomllib, yaml; "
    + "yaml.safe_dump(tomllib.load(sys.stdin.buffer), sys.stdout, sort_keys=False)'"

  /// How long a pipe may say nothing before it is given up: a daemon that reads its settings waits for no
  /// one.
  static let patience = Duration.seconds(5)

  package var daemon: DaemonSettings
  package var functions: [FunctionSettings]
  /// What chains of network functions may be and which begin with the daemon; nil: there are none.
  package var networkFunctions: NetworkFunctionSettings?

  package init(
    daemon: DaemonSettings = DaemonSettings(), functions: [FunctionSettings] = [],
    networkFunctions: NetworkFunctionSettings? = nil
  ) {
    self.daemon = daemon
    self.functions = functions
    self.networkFunctions = networkFunctions
  }

  /// Reads a file; relative paths in it are from its own directory.
  ///
  /// - Throws: `badConfiguration` with every problem and its place, `io` when the file cannot be read.
  package init(path: String) throws(ControlError) {
    let absolute = URL(fileURLWithPath: path).standardizedFileURL
    if absolute.pathExtension.lowercased() == "toml" { throw Self.refusal(ofTOML: path) }
    let data: Data
    do {
      data = try BoundedInput.read(path, limit: ConfigurationDocument.byteLimit, patience: Self.patience)
    } catch {
      let earlier = absolute.deletingPathExtension().appendingPathExtension("toml").path
      if !FileManager.default.fileExists(atPath: path), FileManager.default.fileExists(atPath: earlier) {
        throw Self.refusal(ofTOML: earlier)
      }
      throw ControlError(
        .io, "the configuration \(path) \(error.reason)",
        remedy: "docs/reference/configuration.md has one to begin with")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw ControlError(.badConfiguration, "\(path) is not UTF-8 text", remedy: "store it as UTF-8")
    }
    try self.init(text: text, file: path, directory: absolute.deletingLastPathComponent().path)
  }

  private static func refusal(ofTOML path: String) -> ControlError {
    let new = URL(fileURLWithPath: path).deletingPathExtension().appendingPathExtension("yaml").path
    return ControlError(
      .badConfiguration, "\(path) is TOML, which is no longer read; the same keys in YAML are",
      remedy: "convert it: \(conversion) <\(path) >\(new) (docs/reference/configuration.md, \"From TOML\")")
  }

  /// - Parameters:
  ///   - text: YAML.
  ///   - file: how errors name it.
  ///   - directory: from which relative paths go.
  package init(text: String, file: String = "configuration", directory: String = "/") throws(ControlError) {
    let (configuration, problems) = Self.read(text, directory: directory)
    guard let configuration, problems.isEmpty else {
      throw ControlError(
        .badConfiguration,
        problems.map { "\(file):\($0)" }.joined(separator: "\n"),
        remedy: "docs/reference/configuration.md lists every key with its range")
    }
    self = configuration
  }

  /// What the text says, and everything that is wrong with it, by place.
  static func read(_ text: String, directory: String) -> (Configuration?, [ConfigurationProblem]) {
    let document: ConfigurationDocument
    do {
      document = try ConfigurationDocument(text)
    } catch {
      return (nil, [ConfigurationProblem(error.position, key: error.key, error.message + hint(for: text))])
    }
    guard case .table(let entries) = document.root.value else {
      let message = "\(document.root.value.kind) is no configuration; begin with the key daemon or function"
      return (nil, [ConfigurationProblem(document.root.position, message + hint(for: text))])
    }
    let problems = TableReader.Problems()
    for problem in document.problems { problems.add(problem) }
    var root = TableReader(entries, at: .start, problems: problems)
    var table = root.table("daemon")
    var configuration = Configuration(daemon: DaemonSettings(&table, directory: directory))
    if root.has("network_functions") {
      var table = root.table("network_functions")
      configuration.networkFunctions = NetworkFunctionSettings(&table, directory: directory)
    }
    let known = problems.all.count
    let tables = root.tables("function")
    if tables.isEmpty, configuration.networkFunctions == nil, problems.all.count == known {
      root.problem("function", "there is none; list a table with name and bundle for each function")
    }
    root.finish()
    if tables.count > functionLimit { root.problem("function", "there are more than \(functionLimit)") }
    var names: Set<String> = []
    for var table in tables.prefix(functionLimit) {
      let function = FunctionSettings(&table, directory: directory)
      if !names.insert(function.name).inserted {
        table.problem("name", "\"\(function.name)\" is the name of another function")
      }
      if let user = configuration.daemon.user,
        function.adapter.isolations.contains(where: { $0.level == .full && $0.user == user })
      {
        table.problem(
          nil,
          """
          adapter.user is \"\(user)\", the daemon's own, to which the pinned objects and the control socket \
          belong; give the adapter a user of its own
          """)
      }
      configuration.functions.append(function)
    }
    let ordered = problems.all.sorted { ($0.position, $0.key) < ($1.position, $1.key) }
    return (configuration, ordered)
  }
}

extension Configuration {
  /// What is said of a text that cannot be read and looks like what was read before.
  private static func hint(for text: String) -> String {
    guard text.contains("[[function]]") else { return "" }
    return "; this looks like TOML: docs/reference/configuration.md tells how to convert it"
  }
}
