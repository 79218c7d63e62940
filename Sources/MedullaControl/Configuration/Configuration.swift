import Foundation
import MedullaAdaptation

/// A whole configuration: the daemon and its functions.
public struct Configuration: Sendable, Equatable {
  /// Functions of one daemon.
  public static let functionLimit = 64

  public var daemon: DaemonSettings
  public var functions: [FunctionSettings]

  public init(daemon: DaemonSettings = DaemonSettings(), functions: [FunctionSettings] = []) {
    self.daemon = daemon
    self.functions = functions
  }

  /// Reads a file; relative paths in it are from its own directory.
  ///
  /// - Throws: `badConfiguration` with every problem and its line, `io` when the file cannot be read.
  public init(path: String) throws(ControlError) {
    let absolute = URL(fileURLWithPath: path).standardizedFileURL
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw ControlError(
        .io, "the configuration \(path) cannot be read: \(String(cString: strerror(errno)))",
        remedy: "docs/configuration.md has one to begin with")
    }
    let data = (try? handle.read(upToCount: ConfigurationDocument.byteLimit + 1)) ?? Data()
    guard let text = String(data: data, encoding: .utf8) else {
      throw ControlError(.badConfiguration, "\(path) is not UTF-8 text")
    }
    try self.init(text: text, file: path, directory: absolute.deletingLastPathComponent().path)
  }

  /// - Parameters:
  ///   - text: TOML.
  ///   - file: how errors name it.
  ///   - directory: from which relative paths go.
  public init(text: String, file: String = "configuration", directory: String = "/") throws(ControlError) {
    let (configuration, problems) = Self.read(text, directory: directory)
    guard let configuration, problems.isEmpty else {
      throw ControlError(
        .badConfiguration,
        problems.map { "\(file), \($0)" }.joined(separator: "\n"),
        remedy: "docs/configuration.md lists every key with its range")
    }
    self = configuration
  }

  /// What the text says, and everything that is wrong with it, by line.
  static func read(_ text: String, directory: String) -> (Configuration?, [ConfigurationProblem]) {
    let document: ConfigurationDocument
    do {
      document = try ConfigurationDocument(text)
    } catch {
      return (nil, [error])
    }
    guard case .table(let values) = document.root else { return (nil, []) }
    let problems = TableReader.Problems()
    var root = TableReader(values, path: [], name: "", lines: document.lines, problems: problems)
    var table = root.table("daemon")
    var configuration = Configuration(daemon: DaemonSettings(&table, directory: directory))
    let tables = root.tables("function")
    root.finish()
    if tables.isEmpty { root.problem(nil, "has no [[function]]") }
    if tables.count > functionLimit { root.problem("function", "there are more than \(functionLimit)") }
    var names: Set<String> = []
    for var table in tables.prefix(functionLimit) {
      let function = FunctionSettings(&table, directory: directory)
      if !names.insert(function.name).inserted {
        table.problem("name", "\"\(function.name)\" is the name of another function")
      }
      if let user = configuration.daemon.user, let other = function.adapter.processUser, other != user {
        table.problem(
          nil,
          """
          adapter.user is \"\(other)\", but a daemon that has become \"\(user)\" has no right to start \
          processes of another user; leave one of the two out
          """)
      }
      configuration.functions.append(function)
    }
    let ordered = problems.all.sorted { ($0.line, $0.key) < ($1.line, $1.key) }
    return (configuration, ordered)
  }
}

extension AdapterSettings {
  /// Whose rights the adapter's process is to have; nil: the daemon's, or there is no process.
  fileprivate var processUser: String? {
    switch self {
    case .python(let settings): settings.user
    case .command(let settings): settings.user
    case .none, .simulator, .supervised: nil
    }
  }
}
