import Logging
import MedullaFrames
import MedullaLabels

/// A labeling agent in a process of its own: a Python class, a network through ONNX Runtime, or any program
/// that speaks of labels as `docs/reference/adapter-protocol.md` describes.
///
/// It is isolated, started, ended and started again as an adapter is. No call waits longer than its deadline,
/// nor for a restart.
package final class ProcessLabelingAgent: LabelingAgent {
  package let name: String
  private let schema: LabelSchema
  private let settings: ProcessSettings
  private let conversation: ProcessConversation

  /// - Parameters:
  ///   - name: by which labels, errors and budgets are told.
  ///   - settings: the directory of its own is that of `state`, which no adapter may share.
  /// - Throws: `AdapterFailure` with `badRequest` when the settings cannot be used, `notIsolated` when the
  ///   process cannot be kept from what is not its own. A program that does not start is an error of the
  ///   first call.
  package init(
    _ name: String, _ settings: ProcessSettings, schema: LabelSchema, log: Logger
  ) throws(AdapterFailure) {
    var settings = settings
    settings.role = .labelingAgent
    if settings.state == nil { settings.state = "\(settings.function)-labels-\(name)" }
    self.name = name
    self.schema = schema
    self.settings = settings
    conversation = try ProcessConversation(settings, as: "labeler \(name)", log: log)
  }

  /// Starts of the process so far, and its failures in a row.
  package var starts: Int { conversation.starts }
  package var failures: Int { conversation.failures }
  /// The process's id while it runs.
  package var processIdentifier: Int32? { conversation.processIdentifier }

  /// The first flow need not wait for a start. Failures are logged, and told by the first question.
  package func prepare() {
    try? conversation.prepare(greeting: greeting, check: LabelFrame.checkGreeting)
  }

  private func greeting() -> TensorFrame { LabelFrame.greeting(schema, settings: settings) }

  /// - Throws: `AgentNotReady` while the process starts, or waits to be started again; else `AdapterFailure`.
  package func label(_ requests: [LabelRequest]) throws -> [Label] {
    guard !requests.isEmpty else { return [] }
    do {
      return try conversation.exchange(
        try LabelFrame.encode(requests, schema), greeting: greeting, check: LabelFrame.checkGreeting
      ) { [name, schema] answer in
        try LabelFrame.decode(answer, asked: requests.count, agent: name, classes: schema.classes.count)
      }
    } catch let failure as AdapterFailure where [.starting, .backingOff].contains(failure.code) {
      throw AgentNotReady(failure.description, wait: Self.pause)
    }
  }

  /// Before a process is asked again that is starting; asking costs next to nothing.
  private static let pause = Duration.milliseconds(200)

  package func close() { conversation.close() }
}

extension ProcessSettings {
  /// A class that labels, `package.module:Class`, run by the interpreter that has the `medulla` package.
  package static func labeler(_ name: String, interpreter: String = "python3") -> ProcessSettings {
    ProcessSettings(
      command: [interpreter, "-m", "medulla.labeler", name], environment: ["PYTHONUNBUFFERED": "1"])
  }
}
