import CHost
import Foundation
import Logging

#if canImport(Glibc)
import Glibc
#endif

/// A process that was started with an end of somebody's channel, such as a network function; it is isolated
/// like an adapter's, and its output goes to the log. Used from one thread.
package final class ChannelProcess {
  package let identifier: pid_t
  private let spawner: Spawner
  private let output: ChildPipe
  private var isReaped = false

  /// - Parameters:
  ///   - name: of its own directory, one of a kind on this machine.
  ///   - variable: the variable that tells the process its descriptor of the channel.
  ///   - channel: becomes the process's; the caller closes its own.
  ///   - role: as what errors name it.
  /// - Throws: `cannotStart` or `notIsolated`.
  package init(
    _ command: [String], name: String, directory: String, isolation: ProcessIsolation, variable: String,
    channel: Int32, as role: ProcessRole = .networkFunction, log: Logger
  ) throws(AdapterFailure) {
    let spawner = try Spawner.shared()
    var settings = ProcessSettings(command: command, directory: directory, isolation: isolation)
    settings.state = name
    settings.role = role
    try settings.check()
    let account = try spawner.check(isolation, for: role)
    let environment = Self.environment(settings, account, states: spawner.policy.states, variable)
    let named = command.first ?? ""
    guard let program = ReadablePaths.program(named, path: environment["PATH"] ?? "/usr/bin:/bin") else {
      throw AdapterFailure(
        .cannotStart, "cannot start \(named): it is not on PATH",
        remedy: "Install it, or name its full path.")
    }
    var pipe: [Int32] = [-1, -1]
    let status = medulla_make_pipe(&pipe)
    guard status == 0, fcntl(pipe[0], F_SETFL, O_NONBLOCK) == 0 else {
      throw AdapterFailure(.cannotStart, "cannot start \(named): \(String(cString: strerror(-status)))")
    }
    defer { close(pipe[1]) }
    do throws(AdapterFailure) {
      identifier = try spawner.spawn(
        Spawner.Request(
          program: program, arguments: Array(command.dropFirst()), environment: environment,
          directory: directory, state: name, channel: channel, output: pipe[1], packets: nil,
          hasReceiveRings: true, role: role,
          account: account, priority: getpriority(__priority_which_t(0), 0), isolation: isolation,
          readable: ReadablePaths.all(
            settings, program: program, environment: environment, states: spawner.policy.states)))
    } catch {
      close(pipe[0])
      throw error
    }
    self.spawner = spawner
    output = ChildPipe(pipe[0], of: identifier, as: role, log: log)
  }

  deinit { kill() }

  private static func environment(
    _ settings: ProcessSettings, _ account: Account?, states: String, _ variable: String
  ) -> [String: String] {
    var environment = ProcessInfo.processInfo.environment
    for name in AdapterChild.supervisorVariables { environment[name] = nil }
    environment[variable] = String(AdapterChild.channelNumber)
    if let account { environment["HOME"] = account.home }
    // The only place that it can write to.
    let state = "\(states)/\(settings.stateName)"
    if settings.isolation.level == .full { for name in ["HOME", "TMPDIR"] { environment[name] = state } }
    return environment
  }

  /// The last lines that the process wrote.
  package var tail: [String] { output.tail }

  /// How it ended; nil while it runs. Passes on what it has written.
  package func ending() -> String? {
    output.begin()
    let ending = spawner.ending(of: identifier)
    if ending != nil { output.end() }
    return ending
  }

  /// Kills the process with its group, and reaps it.
  package func kill() {
    guard !isReaped else { return }
    isReaped = true
    spawner.end(identifier)
    output.end()
  }
}
