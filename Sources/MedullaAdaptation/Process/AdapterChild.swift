import CHost
import Foundation
import Logging
import MedullaFlows
import MedullaFrames
import MedullaKernel
import MedullaLearning

#if canImport(Glibc)
import Glibc
#endif

/// One running process of an adapter: its channel, its output, its end. Used from one thread.
///
/// The process leads a group of its own, so that what it has started ends with it. The spawner has forked it,
/// and reaps it only after its group was killed: until then its id cannot be another's. When this process is
/// killed itself, the spawner ends the child.
final class AdapterChild {
  /// What happened while this side waited.
  enum Ending: Error, Equatable {
    case deadline
    /// The channel was closed; how the process ended.
    case ended(String)
    case malformed(FrameError)
  }

  static let channelVariable = "MEDULLA_ADAPTER_FD"
  static let channelNumber = 3
  /// The supervisor's own: a child that notified it would speak for the daemon.
  static let supervisorVariables = [
    "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC", "WATCHDOG_PID",
  ]
  /// How long an exit status may take to arrive after the channel was closed.
  private static let reapPatience: Duration = .milliseconds(500)
  /// Bytes read of the channel at once.
  private static let chunk = 1 << 16

  static let stateVariable = "MEDULLA_ADAPTER_STATE"
  static let packetsVariable = "MEDULLA_ADAPTER_PACKETS"

  let identifier: pid_t
  private let spawner: Spawner
  private let channel: Int32
  private let output: ChildPipe
  private var decoder = FrameDecoder()
  private var isReaped = false

  /// - Throws: `AdapterFailure` with `cannotStart` or `notIsolated`.
  init(_ settings: ProcessSettings, spawner: Spawner, log: Logger) throws(AdapterFailure) {
    let account = try spawner.check(settings.isolation, for: settings.role)
    let environment = Self.environment(settings, account: account, states: spawner.policy.states)
    let name = settings.command[0]
    guard let program = ReadablePaths.program(name, path: environment["PATH"] ?? "/usr/bin:/bin") else {
      throw AdapterFailure(
        .cannotStart, "cannot start \(name): it is not on PATH",
        remedy: "Install it, or name its full path.")
    }
    var ends: [Int32] = [-1, -1]
    var pipe: [Int32] = [-1, -1]
    // Each start has its own, so that an interface that was made anew is found.
    let packets = try Self.open(settings.packets)
    var code = medulla_make_channel(&ends)
    if code == 0 { code = medulla_make_pipe(&pipe) }
    defer { for end in [ends[1], pipe[1], packets ?? -1] where end >= 0 { Glibc.close(end) } }
    if code == 0 { code = fcntl(pipe[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0 }
    do throws(AdapterFailure) {
      guard code == 0 else {
        throw AdapterFailure(.cannotStart, "cannot start \(name): \(String(cString: strerror(-code)))")
      }
      identifier = try spawner.spawn(
        Spawner.Request(
          program: program, arguments: Array(settings.command.dropFirst()), environment: environment,
          directory: settings.directory, state: settings.stateName, channel: ends[1], output: pipe[1],
          packets: packets, hasReceiveRings: false, role: settings.role,
          account: account, priority: getpriority(__priority_which_t(0), 0), isolation: settings.isolation,
          readable: ReadablePaths.all(
            settings, program: program, environment: environment, states: spawner.policy.states)))
    } catch {
      for end in [ends[0], pipe[0]] where end >= 0 { Glibc.close(end) }
      throw error
    }
    self.spawner = spawner
    channel = ends[0]
    output = ChildPipe(pipe[0], of: identifier, as: settings.role, log: log)
  }

  deinit {
    kill()
    Glibc.close(channel)
  }

  private static func open(_ packets: PacketSupply?) throws(AdapterFailure) -> Int32? {
    guard let packets else { return nil }
    do {
      return try packets.open()
    } catch let error as KernelError {
      throw AdapterFailure(.cannotStart, error.message, details: error.cause, remedy: error.remedy)
    } catch let error as CaptureError {
      throw AdapterFailure(.cannotStart, error.message, details: error.cause, remedy: error.remedy)
    } catch {
      throw AdapterFailure(.cannotStart, "\(error)")
    }
  }

  private static func environment(
    _ settings: ProcessSettings, account: Account?, states: String
  ) -> [String: String] {
    var environment = ProcessInfo.processInfo.environment.merging(settings.environment) { $1 }
    environment[channelVariable] = String(channelNumber)
    environment[packetsVariable] = settings.packets.map { _ in String(MEDULLA_PACKETS_DESCRIPTOR) }
    for name in supervisorVariables { environment[name] = nil }
    let state = "\(states)/\(settings.stateName)"
    environment[stateVariable] = state
    if let account { environment["HOME"] = account.home }
    // The only place that it can write to.
    if settings.isolation.level == .full { for name in ["HOME", "TMPDIR"] { environment[name] = state } }
    return environment
  }

  /// The last lines that the process wrote.
  var tail: String { output.tail.joined(separator: "\n") }

  /// A call begins: what the process wrote meanwhile goes to the log.
  func begin() { output.begin() }

  func send(_ bytes: Data, until deadline: ContinuousClock.Instant) throws(Ending) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        raw.baseAddress.map { Glibc.send(channel, $0 + sent, raw.count - sent, Int32(MSG_NOSIGNAL)) }
          ?? 0
      }
      if count > 0 {
        sent += count
      } else if errno == EAGAIN {
        try wait(for: Int16(POLLOUT), until: deadline)
      } else if errno != EINTR {
        throw .ended(ending())
      }
    }
  }

  func receive(until deadline: ContinuousClock.Instant) throws(Ending) -> TensorFrame {
    var chunk = [UInt8](repeating: 0, count: Self.chunk)
    while true {
      do throws(FrameError) {
        if let frame = try decoder.next() { return frame }
      } catch {
        throw .malformed(error)
      }
      let count = read(channel, &chunk, chunk.count)
      if count > 0 {
        decoder.append(chunk[..<count])
      } else if count == 0 {
        try noteEnd()
      } else if errno == EAGAIN {
        try wait(for: Int16(POLLIN), until: deadline)
      } else if errno != EINTR {
        throw .ended(ending())
      }
      guard ContinuousClock.now < deadline else { throw .deadline }
    }
  }

  private func noteEnd() throws(Ending) {
    do throws(FrameError) {
      try decoder.end()
    } catch {
      throw .malformed(error)
    }
    throw .ended(ending())
  }

  /// Waits until the channel is ready, passing on meanwhile what the process writes.
  private func wait(for events: Int16, until deadline: ContinuousClock.Instant) throws(Ending) {
    while true {
      let left = deadline - ContinuousClock.now
      guard left > .zero else { throw .deadline }
      var watched = [pollfd(fd: channel, events: events, revents: 0)]
      let lines = output.descriptor
      if lines >= 0 { watched.append(pollfd(fd: lines, events: Int16(POLLIN), revents: 0)) }
      _ = poll(&watched, nfds_t(watched.count), left.milliseconds)
      if watched.count > 1, watched[1].revents != 0 { output.read() }
      if watched[0].revents != 0 { return }
    }
  }

  /// How the process ended, which may take a moment after its channel closed.
  private func ending() -> String {
    let limit = ContinuousClock.now + Self.reapPatience
    while ContinuousClock.now < limit {
      output.read()
      if let ending = spawner.ending(of: identifier) {
        output.end()
        return ending
      }
      usleep(2_000)
    }
    return "it closed its channel"
  }

  /// Lets the process end by itself for a moment, then kills it.
  func end(patience: Duration) {
    let limit = ContinuousClock.now + patience
    while !isReaped, ContinuousClock.now < limit {
      output.read()
      guard spawner.look(at: identifier) == nil else { break }
      usleep(2_000)
    }
    kill()
  }

  /// Kills the process with its group, and reaps it.
  func kill() {
    guard !isReaped else { return }
    isReaped = true
    spawner.end(identifier)
    output.end()
  }
}

extension Duration {
  /// Rounded up, and bounded to what `poll` takes.
  var milliseconds: Int32 {
    let (seconds, attoseconds) = components
    return Int32(clamping: min(seconds, 86_400) * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
  }
}
