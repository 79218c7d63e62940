import Foundation

/// The daemon as users run it (`medulla run CONFIG`), for one congestion control, as a child process.
public final class SlowPath {
  /// What the configuration says.
  public struct Settings: Codable, Equatable, Sendable {
    /// Of the batches, as the configuration writes it: `100ms`.
    public var interval = "100ms"
    public var sampling = 1
    public var consistency = false
    /// The lines of `[function.adapter]`.
    public var adapter = ["kind = \"none\""]
    /// The lines of `[function.gates]`, `[function.shadow]` and `[function.watch]`.
    public var gates: [String] = []
    public var shadow: [String] = []
    public var watch: [String] = []

    public init() {}
  }

  /// Longest time until the daemon serves.
  private static let startLimit = Duration.seconds(60)

  public let name: String
  private let directory: URL
  private let executable: String
  /// The daemon's log.
  public let logPath: String
  private var child: ChildProcess?

  /// Writes the configuration; `start` starts the daemon.
  ///
  /// - Parameters:
  ///   - bundle: what the daemon attaches when nothing of the name is attached.
  ///   - executable: the `medulla` program.
  ///   - log: where the daemon's log goes; nil: to a file that goes with the daemon.
  public init(
    name: String, bundle: String, settings: Settings, executable: String, log: String? = nil
  ) throws {
    self.name = name
    self.executable = executable
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-\(name)")
    logPath = log ?? "\(directory.path)/log"
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    var lines = [
      "[daemon]", "socket = \"\(socketPath)\"", "state = \"\(statePath)\"", "on_stop = \"keep\"",
      "[[function]]", "name = \"\(name)\"", "kind = \"congestion\"", "bundle = \"\(bundle)\"",
      "interval = \"\(settings.interval)\"", "sampling = \(settings.sampling)",
      "consistency = \(settings.consistency)", "[function.adapter]",
    ]
    lines += settings.adapter + ["[function.gates]"] + settings.gates
    lines += ["[function.shadow]"] + settings.shadow + ["[function.watch]"] + settings.watch
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: configurationPath))
  }

  deinit { end() }

  public var socketPath: String { "\(directory.path)/control.sock" }
  /// Where the daemon's history is.
  public var statePath: String { "\(directory.path)/state" }
  private var configurationPath: String { "\(directory.path)/medulla.toml" }

  /// Of the running daemon.
  public var identifier: Int32? { child.flatMap { $0.isRunning ? $0.identifier : nil } }

  /// Starts the daemon at low priority and waits until it serves. Its log goes on in one file.
  public func start() throws {
    try? FileManager.default.removeItem(atPath: socketPath)
    let command = "exec nice -n 10 \"$0\" run \"$1\" 2>>\"$2\""
    let child = try ChildProcess(
      ["sh", "-c", command, executable, configurationPath, logPath], output: .discarded, errors: .discarded)
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
  public func kill() {
    guard let child, child.isRunning else { return }
    child.signal(SIGKILL)
    _ = try? child.finish(within: .seconds(5), uninterrupted: true)
  }

  /// Asks the daemon to end, as a service manager does; the fast path stays on.
  public func stop() {
    child?.end(patience: .seconds(10))
  }

  /// Ends the daemon and removes what it wrote; safe to call twice.
  public func end() {
    stop()
    try? FileManager.default.removeItem(at: directory)
  }

  /// The end of the daemon's log.
  public var lastWords: String {
    let text = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(4).joined(separator: " | ")
  }

  /// Where the running program really is: a shell has another `/proc/self/exe`.
  public static func resolve(_ executable: String) -> String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: executable)) ?? executable
  }
}
