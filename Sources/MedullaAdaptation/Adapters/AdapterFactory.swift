import Logging
import MedullaDatapath
import MedullaModel

/// Makes the adapters of one kind. A registry of them is what a slow path is assembled from, so that a
/// function brings an adapter of its own without the core knowing it.
package protocol AdapterFactory: Sendable {
  /// As the configuration calls the kind.
  var name: String { get }

  /// Why it cannot adapt such a function and network; nil when it can. When two of a name can, the first of
  /// the list does.
  func refusal(of order: AdapterOrder) -> String?

  func make(_ order: AdapterOrder) throws -> any Adapter
}

/// What an adapter is made for.
package struct AdapterOrder: Sendable {
  package let settings: AdapterSettings
  /// The function's name, what kind of function it is, and the names of its samples' outcomes in their order.
  package let function: String
  package let kind: String
  package let outcomes: [String]
  /// What it begins with.
  package let start: StartNetwork
  /// With the programs that its bundle carries; nil: they are not known.
  package let programs: DatapathSnapshot?
  /// Where what it learns may outlive this process; nil: nowhere.
  package let state: String?
  /// Where programs of the user's are looked for; nil: the current directory.
  package let directory: String?
  package let log: Logger

  package init(
    settings: AdapterSettings, function: String, kind: String = "", outcomes: [String] = [],
    start: StartNetwork, programs: DatapathSnapshot? = nil, directory: String? = nil, state: String? = nil,
    log: Logger
  ) {
    self.settings = settings
    self.function = function
    self.kind = kind
    self.outcomes = outcomes
    self.start = start
    self.programs = programs
    self.directory = directory
    self.state = state
    self.log = log
  }

  package var network: Network { start.network }
}

/// The kinds of adapters that there are.
package struct AdapterRegistry: Sendable {
  package let factories: [any AdapterFactory]

  package init(_ factories: [any AdapterFactory]) {
    self.factories = factories
  }

  /// Those that learn for any function.
  package static let common: [any AdapterFactory] = [
    SupervisedAdapterFactory(), PythonAdapterFactory(), CommandAdapterFactory(),
  ]

  /// nil when the settings name nobody.
  ///
  /// - Throws: `badSettings` when there is no such kind, or none of it accepts the function, and what the
  ///   adapter throws.
  package func adapter(_ order: AdapterOrder) throws -> (any Adapter)? {
    guard order.settings != .none else { return nil }
    let named = factories.filter { $0.name == order.settings.kind }
    guard !named.isEmpty else {
      let names = Set(factories.map(\.name)).sorted().joined(separator: ", ")
      throw AdaptationError(
        .badSettings, "function \(order.function): there is no adapter of kind \(order.settings.kind)",
        remedy: "there are: \(names)")
    }
    guard let factory = named.first(where: { $0.refusal(of: order) == nil }) else {
      let reasons = named.compactMap { $0.refusal(of: order) }.joined(separator: "; ")
      throw AdaptationError(
        .badSettings, "function \(order.function): no adapter of kind \(order.settings.kind): \(reasons)",
        remedy: "choose another kind of adapter")
    }
    return try factory.make(order)
  }
}

extension AdapterFactory {
  package func refusal(of order: AdapterOrder) -> String? { nil }
}

struct SupervisedAdapterFactory: AdapterFactory {
  let name = "supervised"

  func make(_ order: AdapterOrder) throws -> any Adapter {
    guard case .supervised(let settings) = order.settings else { throw order.isOfAnotherKind(than: name) }
    return try SupervisedAdapter(network: order.network, settings: settings)
  }
}

struct PythonAdapterFactory: AdapterFactory {
  let name = "python"

  func make(_ order: AdapterOrder) throws -> any Adapter {
    guard case .python(let python) = order.settings else { throw order.isOfAnotherKind(than: name) }
    var process = ProcessSettings.python(python.className, interpreter: python.python)
    process.deadline = python.deadline
    process.options = python.options
    process.isolation = python.isolation
    return try order.process(process)
  }
}

struct CommandAdapterFactory: AdapterFactory {
  let name = "command"

  func make(_ order: AdapterOrder) throws -> any Adapter {
    guard case .command(let command) = order.settings else { throw order.isOfAnotherKind(than: name) }
    return try order.process(
      ProcessSettings(
        command: command.arguments, isolation: command.isolation, options: command.options,
        deadline: command.deadline))
  }
}

extension AdapterOrder {
  /// For a factory that is given another's settings.
  package func isOfAnotherKind(than name: String) -> AdaptationError {
    AdaptationError(
      .badSettings, "function \(function): \(settings.kind) are no settings of a \(name) adapter")
  }

  fileprivate func process(_ settings: ProcessSettings) throws(AdapterFailure) -> ProcessAdapter {
    var settings = settings
    settings.function = function
    // A class beside the configuration is found without being installed.
    settings.directory = directory
    settings.outcomes = outcomes
    return try ProcessAdapter(settings, network: network, log: log)
  }
}
