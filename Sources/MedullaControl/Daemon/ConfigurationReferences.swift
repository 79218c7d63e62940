import Foundation
import Glibc
import MedullaAdaptation
import MedullaCompile
import MedullaDatapath
import MedullaLabels
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
    var classes: [String] = []
    do {
      let bundle = try SnapshotBundle.open(function.bundle)
      _ = try StartNetwork(bundle: bundle)
      try FunctionList.all.function(named: function.function).init(values: function.values)
        .checkPrograms(of: DatapathSnapshot(bundle))
      classes = bundle.file.snapshot.shape.flows?.labels ?? []
    } catch {
      problems.append("\(name): bundle: \(error)")
    }
    for key in FunctionList.all[function.function]?.keys ?? [] where key.kind == .path {
      guard case .text(let path)? = function.values[key.name], !path.isEmpty else { continue }
      if access(path, R_OK) != 0 { problems.append("\(name): \(key.name): \(path) cannot be read") }
    }
    switch function.adapter {
    case .none, .simulator, .supervised: break
    case .python(let python):
      problems += process(python.python, python.isolation, "\(name): adapter")
    case .command(let command):
      problems += process(command.arguments.first, command.isolation, "\(name): adapter")
    case .labels(let settings):
      for agent in settings.agents {
        problems += self.agent(agent, of: classes, "\(name): agent \(agent.name)")
      }
    }
    return problems
  }

  private static func process(
    _ program: String?, _ isolation: ProcessIsolation, _ place: String
  ) -> [String] {
    var problems: [String] = []
    if let program, !isThere(program) { problems.append("\(place): there is no program \(program)") }
    if let account = isolation.user { problems += user(account, "\(place).user") }
    for path in isolation.reads where access(path, F_OK) != 0 {
      problems.append("\(place).reads: there is no \(path)")
    }
    return problems
  }

  /// - Parameter classes: the network's; none: they are not known.
  private static func agent(
    _ agent: LabelSettings.Agent, of classes: [String], _ place: String
  ) -> [String] {
    func readable(_ path: String) -> [String] {
      access(path, R_OK) == 0 ? [] : ["\(place): \(path) cannot be read"]
    }
    switch agent.source {
    case .rules(let path): return readable(path)
    case .lists(let lists):
      return lists.flatMap { text in
        do {
          return readable(try ListText(text).path)
        } catch {
          return ["\(place): \(error)"]
        }
      }
    case .python(let python): return process(python.python, python.isolation, place)
    case .command(let command): return process(command.arguments.first, command.isolation, place)
    case .ndpi(let ndpi):
      return process(nil, ndpi.isolation, place) + self.ndpi(ndpi, of: classes).map { "\(place): \($0)" }
    case .service(let service): return service.headers.map(readable) ?? []
    }
  }

  /// An interface that is not there yet is no problem: it is looked for with each start.
  private static func ndpi(_ settings: LabelSettings.Agent.NDPI, of classes: [String]) -> [String] {
    var problems: [String] = []
    do {
      _ = try ProcessSettings.ndpi(settings)
    } catch {
      problems.append("\(error)")
    }
    guard !classes.isEmpty else { return problems }
    do {
      _ = try NDPIMap.read(settings.map, schema: LabelSchema(classes: classes, features: []))
    } catch {
      problems.append("map: \(error)")
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
