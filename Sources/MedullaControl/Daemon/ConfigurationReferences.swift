import Foundation
import Glibc
import MedullaAdaptation
import MedullaCompile
import MedullaDatapath
import MedullaSnapshot

/// Whether what a configuration names is there: bundles, programs, users. Nothing is started or changed.
enum ConfigurationReferences {
  /// - Throws: `badConfiguration` with all that is missing.
  static func check(_ configuration: Configuration) throws(ControlError) {
    var problems = configuration.daemon.user.map { user($0, "daemon.user") } ?? []
    for function in configuration.functions { problems += Self.problems(of: function) }
    try refuse(problems)
  }

  static func check(_ function: FunctionSettings) throws(ControlError) {
    try refuse(problems(of: function))
  }

  private static func refuse(_ problems: [String]) throws(ControlError) {
    guard !problems.isEmpty else { return }
    throw ControlError(
      .badConfiguration, problems.joined(separator: "\n"),
      remedy: "correct the names, or make what they name; nothing was changed")
  }

  private static func problems(of function: FunctionSettings) -> [String] {
    let name = function.name
    var problems: [String] = []
    do {
      let bundle = try SnapshotBundle.open(function.bundle)
      _ = try StartNetwork(bundle: bundle)
      try FunctionList.all.function(named: function.function).init(values: function.values)
        .checkPrograms(of: DatapathSnapshot(bundle))
    } catch {
      problems.append("\(name): bundle: \(error)")
    }
    for key in FunctionList.all[function.function]?.keys ?? [] where key.kind == .path {
      guard case .text(let path)? = function.values[key.name], !path.isEmpty else { continue }
      if access(path, R_OK) != 0 { problems.append("\(name): \(key.name): \(path) cannot be read") }
    }
    let program: String? =
      switch function.adapter {
      case .none, .simulator, .supervised: nil
      case .python(let python): python.python
      case .command(let command): command.arguments.first
      }
    if let program, !isThere(program) {
      problems.append("\(name): adapter: there is no program \(program)")
    }
    let isolation = function.adapter.isolation
    if let account = isolation?.user { problems += user(account, "\(name): adapter.user") }
    for path in isolation?.reads ?? [] where access(path, F_OK) != 0 {
      problems.append("\(name): adapter.reads: there is no \(path)")
    }
    return problems
  }

  private static func user(_ name: String, _ key: String) -> [String] {
    (try? Privileges.account(named: name)) == nil ? ["\(key): there is no user \(name)"] : []
  }

  /// A bare name is looked up on the path.
  private static func isThere(_ program: String) -> Bool {
    if program.contains("/") { return access(program, X_OK) == 0 }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return path.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
  }
}
