import Foundation
import Logging
import MedullaAdaptation
import MedullaLearning
import MedullaModel

/// Puts a function's loop together: the kernel, the adapter of its settings, and the history.
enum LoopAssembly {
  static func make(
    _ settings: FunctionSettings, _ loaded: FunctionHost.Loaded, _ context: LoopContext
  ) throws -> any FunctionLoop {
    let start = loaded.start.network
    let frozen = FrozenNetwork()
    let adapter = try adapter(settings, start: start, context: context).map { ObservedAdapter($0, frozen) }
    let fastPath = KeptFastPath(
      try KernelFastPath(name: settings.name, settings: settings), function: settings.name, frozen: frozen,
      context: context)
    let name = settings.name
    let history = context.history
    return try FunctionRunner(
      settings: settings, fastPath: fastPath, adapter: adapter, start: start,
      record: { record in
        history.add(StoredRecord(time: Date().timeIntervalSince1970, function: name, record: record))
        Self.tell(record, of: name, context.log)
      }, log: context.log)
  }

  /// Nobody learns with `none`.
  private static func adapter(
    _ settings: FunctionSettings, start: StartNetwork, context: LoopContext
  ) throws -> (any Adapter)? {
    switch settings.adapter {
    case .none: return nil
    case .simulator(let simulator):
      return try CongestionAdapter(network: start.network, settings: simulator)
    case .supervised(let supervised):
      return try SupervisedAdapter(network: start.network, settings: supervised)
    case .python(let python):
      var process = ProcessSettings.python(python.className, interpreter: python.python)
      process.deadline = python.deadline
      process.options = python.options
      process.user = python.user
      return try self.process(process, settings, start: start, context: context)
    case .command(let command):
      let process = ProcessSettings(
        command: command.arguments, user: command.user, options: command.options, deadline: command.deadline)
      return try self.process(process, settings, start: start, context: context)
    }
  }

  private static func process(
    _ settings: ProcessSettings, _ function: FunctionSettings, start: StartNetwork, context: LoopContext
  ) throws -> ProcessAdapter {
    var settings = settings
    settings.function = function.name
    // A class beside the configuration is found without being installed.
    settings.directory = context.directory
    if function.kind != .congestion { settings.outcomes = [] }
    return try ProcessAdapter(settings, network: start.network, log: context.log)
  }

  /// What a person who watches the log wants to know; the rest is in the history.
  private static func tell(_ record: LoopRecord, of name: String, _ log: Logger) {
    guard let sentence = RecordWords(record).sentence else { return }
    switch record {
    case .promotion, .rollback, .verdict, .command: log.notice("\(name): \(sentence)")
    case .staged, .shadow, .gates: log.info("\(name): \(sentence)")
    // The runner has logged failures.
    case .batch, .progress, .failure: log.debug("\(name): \(sentence)")
    }
  }
}

extension FunctionRunner: FunctionLoop {}

/// The network that an adapter gave last: the one behind the next snapshot that is staged.
final class FrozenNetwork: @unchecked Sendable {
  private let lock = NSLock()
  private var last: Network?

  var network: Network? {
    get { lock.withLock { last } }
    set { lock.withLock { last = newValue } }
  }
}

/// An adapter whose networks are noted as it gives them.
final class ObservedAdapter: Adapter {
  private let adapter: any Adapter
  private let frozen: FrozenNetwork

  init(_ adapter: any Adapter, _ frozen: FrozenNetwork) {
    self.adapter = adapter
    self.frozen = frozen
  }

  var inputs: Int { adapter.inputs }
  var outputs: Int { adapter.outputs }

  func freeze() throws -> Network {
    let network = try adapter.freeze()
    frozen.network = network
    return network
  }

  func adapt(_ batch: Batch) throws -> MedullaAdaptation.Progress { try adapter.adapt(batch) }
  func evaluate(_ inputs: [[Float]]) throws -> [[Float]] { try adapter.evaluate(inputs) }
  func close() { adapter.close() }
}
