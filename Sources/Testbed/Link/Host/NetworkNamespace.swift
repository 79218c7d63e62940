import Foundation

/// A network namespace of this process: made when the value is made, removed by `remove`.
///
/// Its name is `medulla-<process>-<number>-<role>`, so that one whose owner is gone can be told and removed.
package final class NetworkNamespace: Sendable {
  static let prefix = "medulla-"
  private static let directory = "/run/netns"
  private static let numbers = Counter()

  package let name: String
  package var path: String { "\(Self.directory)/\(name)" }

  /// Makes the namespace with its loopback device up. Needs root.
  package init(role: String) throws {
    guard geteuid() == 0 else {
      throw TestbedError(
        .missingPrivilege, "Network namespaces need root.", remedy: "Run the command with sudo.")
    }
    name = "\(Self.prefix)\(getpid())-\(Self.numbers.next())-\(role)"
    try ChildProcess.run(["ip", "netns", "add", name])
    do {
      try configure(["link", "set", "lo", "up"])
    } catch {
      remove()
      throw error
    }
  }

  /// Runs `ip` on the namespace.
  package func configure(_ arguments: [String]) throws {
    try ChildProcess.run(["ip", "-n", name] + arguments)
  }

  /// Sets kernel parameters of the namespace, such as `net.ipv4.tcp_no_metrics_save=1`.
  package func set(_ parameters: [String]) throws {
    try ChildProcess.run(["ip", "netns", "exec", name, "sysctl", "-qw"] + parameters)
  }

  /// The command that runs `arguments` inside. Unlike `ip netns exec` it leaves the mounts, bpffs among them.
  package func entering(_ arguments: [String]) -> [String] {
    ["nsenter", "--net=\(path)", "--"] + arguments
  }

  /// Starts a program inside.
  package func start(
    _ arguments: [String], environment: [String: String] = [:], input: ChildProcess.Stream = .discarded,
    output: ChildProcess.Stream = .pipe, errors: ChildProcess.Stream = .pipe
  ) throws -> ChildProcess {
    try ChildProcess(
      entering(arguments), environment: environment, input: input, output: output, errors: errors)
  }

  /// Removes the name; the kernel frees the namespace when its last process ends. Safe to call twice.
  package func remove() { Self.remove(name) }

  private static func remove(_ name: String) {
    guard FileManager.default.fileExists(atPath: "\(directory)/\(name)") else { return }
    _ = try? ChildProcess.run(["ip", "netns", "delete", name], uninterrupted: true)
  }

  /// Processes inside, this one never among them.
  private static func processes(_ name: String) -> [pid_t] {
    guard let outcome = try? ChildProcess.run(["ip", "netns", "pids", name], uninterrupted: true) else {
      return []
    }
    return outcome.outputText.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
      .filter { $0 > 1 && $0 != getpid() }
  }

  /// Removes namespaces and ends what still runs in them, such as a server that went into the background: by
  /// SIGTERM, and by SIGKILL what has not gone after a second.
  static func removeWithProcesses(_ names: [String]) {
    let strays = names.flatMap(processes)
    for name in names { remove(name) }
    for stray in strays { kill(stray, SIGTERM) }
    for _ in 0..<100 where strays.contains(where: runs) { usleep(10_000) }
    for stray in strays where runs(stray) { kill(stray, SIGKILL) }
  }

  /// Whether a process has neither ended nor is only waiting for its parent to notice.
  private static func runs(_ identifier: pid_t) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8),
      let state = text[(text.lastIndex(of: ")") ?? text.startIndex)...].dropFirst(2).first
    else { return false }
    return state != "Z" && state != "X"
  }

  /// Names of the namespaces whose owner no longer runs.
  package static func abandoned() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.sorted().filter { name in
      guard let owner = owner(of: name) else { return false }
      return kill(owner, 0) != 0 && errno == ESRCH
    }
  }

  /// Removes the namespaces whose owner no longer runs, and returns their names.
  @discardableResult
  package static func removeAbandoned() -> [String] {
    let names = abandoned()
    for name in names { remove(name) }
    return names
  }

  /// The process in a name of the form `medulla-<process>-<number>-<role>`; nil for any other name.
  package static func owner(of name: String) -> pid_t? {
    let parts = name.split(separator: "-", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "medulla", Int(parts[2]) != nil, !parts[3].isEmpty,
      let owner = pid_t(parts[1]), owner > 0
    else { return nil }
    return owner
  }
}

/// Numbers that are never given twice in a process.
private final class Counter: Sendable {
  private let lock = NSLock()
  nonisolated(unsafe) private var value = 0

  func next() -> Int {
    lock.withLock {
      value += 1
      return value
    }
  }
}
