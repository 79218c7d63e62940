import Foundation
import MedullaBase
import TestbedLink

/// The daemon as users run it (`medulla run CONFIG`), for one function, as a child process.
package final class SlowPath {
  /// What the configuration says.
  struct Settings: Sendable {
    var kind = "congestion"
    /// Further lines of the function: keys of its kind.
    var keys: [String] = []
    /// Of the batches, as the configuration writes it: `100ms`.
    var interval = "100ms"
    var sampling = 1
    var consistency = false
    /// The lines of the table `adapter`.
    var adapter = ["kind: none"]
    /// The lines of the tables `gates`, `shadow` and `watch`.
    var gates: [String] = []
    var shadow: [String] = []
    var watch: [String] = []
    /// What is added to the daemon's environment.
    var environment: [String: String] = [:]
  }

  /// Longest time until the daemon serves.
  private static let startLimit = Duration.seconds(60)

  package let name: String
  private let scratch: ScratchDirectory
  private let medulla: String
  private let environment: [String: String]
  private let namespace: NetworkNamespace?
  /// The daemon's log.
  package let logPath: String
  private var child: ChildProcess?

  /// Writes the configuration; `start` starts the daemon.
  ///
  /// - Parameters:
  ///   - bundle: what the daemon attaches when nothing of the name is attached.
  ///   - executable: the program that `medulla` lies beside.
  ///   - log: where the daemon's log goes; nil: to a file that goes with the daemon.
  ///   - namespace: where it runs; nil: with this process.
  init(
    name: String, bundle: String, settings: Settings, executable: String, log: String? = nil,
    in namespace: NetworkNamespace? = nil
  ) throws {
    (self.name, self.namespace, environment) = (name, namespace, settings.environment)
    medulla = try SiblingProgram.path("medulla", beside: executable)
    scratch = try ScratchDirectory(name)
    logPath = log ?? scratch.path("log")
    var lines = [
      "daemon:", "  socket: \"\(socketPath)\"", "  state: \"\(statePath)\"", "  on_stop: keep", "function:",
      "  - name: \"\(name)\"", "    kind: \(settings.kind)", "    bundle: \"\(bundle)\"",
      "    interval: \(settings.interval)", "    sampling: \(settings.sampling)",
      "    consistency: \(settings.consistency)",
    ]
    lines += settings.keys.map { "    \($0)" }
    let tables = [
      ("adapter", settings.adapter), ("gates", settings.gates), ("shadow", settings.shadow),
      ("watch", settings.watch),
    ]
    for (key, content) in tables where !content.isEmpty {
      lines += ["    \(key):"] + content.map { "      \($0)" }
    }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: configurationPath))
  }

  deinit { stop() }

  package var socketPath: String { scratch.path("control.sock") }
  /// Where the daemon's history is.
  package var statePath: String { scratch.path("state") }
  private var configurationPath: String { scratch.path("medulla.yaml") }

  /// Of the running daemon.
  package var identifier: Int32? { child.flatMap { $0.isRunning ? $0.identifier : nil } }

  /// Starts the daemon at low priority and waits until it serves. Its log goes on in one file.
  package func start() throws {
    try? FileManager.default.removeItem(atPath: socketPath)
    let command = "exec nice -n 10 \"$0\" run \"$1\" 2>>\"$2\""
    let arguments = ["sh", "-c", command, medulla, configurationPath, logPath]
    let child = try ChildProcess(
      namespace?.entering(arguments) ?? arguments, environment: environment, output: .discarded,
      errors: .discarded)
    self.child = child
    let deadline = ContinuousClock.now + Self.startLimit
    while !FileManager.default.fileExists(atPath: socketPath) {
      guard child.isRunning, ContinuousClock.now < deadline else {
        throw TestbedError(
          .processFailed, "The daemon does not serve: \(lastWords).",
          remedy: "Run `medulla run \(configurationPath)` by hand to see more.")
      }
      try Interruption.sleep(.milliseconds(20))
    }
  }

  /// Ends the daemon at once, without a chance to tidy up.
  package func kill() {
    guard let child, child.isRunning else { return }
    child.signal(SIGKILL)
    _ = try? child.finish(within: .seconds(5), uninterrupted: true)
  }

  /// Throws when the daemon has ended by itself.
  func requireAlive() throws {
    guard identifier == nil else { return }
    throw TestbedError(
      .processFailed, "The daemon ended during the run: \(lastWords).",
      remedy: "Run the configuration by hand with `medulla run`.")
  }

  /// Asks the daemon to end, as a service manager does; the fast path stays on. What it wrote goes with this
  /// object. Safe to call twice.
  package func stop() {
    child?.end(patience: .seconds(10))
  }

  /// The end of the daemon's log.
  package var lastWords: String {
    let text = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(4).joined(separator: " | ")
  }

  /// Where the running program really is: a shell has another `/proc/self/exe`.
  package static func resolve(_ executable: String) -> String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: executable)) ?? executable
  }
}
