import CHost
import Glibc

/// Why a program could not be run to its end.
package enum ChildErrorCode: String, Sendable {
  /// There is none of that name.
  case missing
  case notStarted
  /// It ended with a status other than 0.
  case failed
  /// It was ended at its deadline.
  case timedOut
}

package typealias ChildError = CodedError<ChildErrorCode>

/// A program that this process started: its pipes, its end, within a time limit.
///
/// The one way in which programs are started, adapters' processes apart, which give up privileges on the way.
/// Plain `posix_spawn`: no socket of this process's is needed, as Foundation's `Process` needs one over the
/// loopback, which is down in a new network namespace. No shell, no inherited descriptors besides the three
/// standard ones, default signal actions. The object is used from one thread.
package final class ChildProgram {
  /// Where a standard stream goes.
  package enum Stream: Sendable {
    case inherited
    case discarded
    case pipe
  }

  /// What it starts with.
  package struct Setting: Sendable {
    /// Changes to this process's environment.
    package var environment: [String: String]
    /// nil: this process's.
    package var directory: String?
    /// Whether it leads a process group of its own, which is ended with it; a terminal's signals do not come.
    package var leadsGroup: Bool

    package init(environment: [String: String] = [:], directory: String? = nil, leadsGroup: Bool = false) {
      self.environment = environment
      self.directory = directory
      self.leadsGroup = leadsGroup
    }
  }

  /// How a program ended, and what it wrote to its pipes.
  package struct Outcome: Equatable, Sendable {
    /// Exit status, or 128 plus the signal's number.
    package var status: Int32
    package var output: [UInt8]
    package var errors: [UInt8]

    package var outputText: String { String(decoding: output, as: UTF8.self) }
    package var errorText: String { String(decoding: errors, as: UTF8.self) }
  }

  /// Most bytes kept of one stream.
  static let keptBytes = 64 << 20

  package let arguments: [String]
  package let identifier: pid_t
  private let leadsGroup: Bool
  /// Asked while it waits; throws to have the wait given up.
  private let interruption: () throws -> Void
  /// Write end of the standard input's pipe; -1 without one.
  private var inputDescriptor: Int32
  private var outputDescriptor: Int32
  private var errorDescriptor: Int32
  private var output: [UInt8] = []
  private var errors: [UInt8] = []
  private var status: Int32?

  /// Starts `arguments[0]`, found on PATH, with the rest as its arguments.
  ///
  /// - Throws: `ChildError` of code `missing` or `notStarted`.
  package init(
    _ arguments: [String], _ setting: Setting = Setting(), input: Stream = .discarded,
    output: Stream = .pipe, errors: Stream = .pipe, interruption: @escaping () throws -> Void = {}
  ) throws(ChildError) {
    guard let program = arguments.first else {
      throw ChildError(.missing, "no program was named", remedy: "name one")
    }
    self.arguments = arguments
    leadsGroup = setting.leadsGroup
    self.interruption = interruption
    // Writing to a program that has ended shall fail, not end this process.
    if input == .pipe { Glibc.signal(SIGPIPE, SIG_IGN) }
    var pipes = SpawnPipes()
    defer { pipes.closeChildEnds() }
    do {
      inputDescriptor = try pipes.connect(0, input)
      outputDescriptor = try pipes.connect(1, output)
      errorDescriptor = try pipes.connect(2, errors)
      identifier = try pipes.spawn(arguments, setting)
    } catch {
      pipes.closeOwnEnds()
      throw ChildError(
        error.number == ENOENT ? .missing : .notStarted, "cannot start \(program)",
        cause: String(cString: strerror(error.number)),
        remedy: error.number == ENOENT
          ? "install it; `make setup` names the packages" : "see the system's log")
    }
  }

  deinit {
    if status == nil {
      killHard()
      reap(blocking: true)
    }
    for descriptor in [inputDescriptor, outputDescriptor, errorDescriptor] where descriptor >= 0 {
      close(descriptor)
    }
  }

  package var isRunning: Bool {
    reap(blocking: false)
    return status == nil
  }

  /// What to say when the program ended with a status other than 0.
  package func failure(_ outcome: Outcome) -> ChildError {
    let said = (outcome.errorText.isEmpty ? outcome.outputText : outcome.errorText)
      .split(separator: "\n").suffix(3).joined(separator: " | ")
    return ChildError(
      .failed, "`\(arguments.joined(separator: " "))` ended with status \(outcome.status)", cause: said,
      remedy: "run the command by hand to see more")
  }

  package func signal(_ number: Int32) {
    if isRunning { kill(identifier, number) }
  }

  /// Writes to the program's standard input; false when it no longer reads.
  @discardableResult
  package func send(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        $0.baseAddress.map { write(inputDescriptor, $0 + sent, bytes.count - sent) } ?? -1
      }
      if count <= 0 { return false }
      sent += count
    }
    return true
  }

  /// Closes the program's standard input.
  package func closeInput() {
    if inputDescriptor >= 0 { close(inputDescriptor) }
    inputDescriptor = -1
  }

  /// The next line of the standard output without its newline; nil when the output ended.
  package func readLine(within limit: Duration) throws -> String? {
    let deadline = ContinuousClock.now + limit
    while true {
      if let end = output.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: output[..<end], as: UTF8.self)
        output.removeSubrange(...end)
        return line
      }
      if outputDescriptor < 0 { return nil }
      try expect(deadline, limit)
      try interruption()
      collect(for: .milliseconds(50))
    }
  }

  /// Waits for the program's end; kills it and throws when the limit passes or a signal interrupts.
  package func finish(within limit: Duration, uninterrupted: Bool = false) throws -> Outcome {
    let deadline = ContinuousClock.now + limit
    do {
      while true {
        // A grandchild may hold the pipes open for ever: the program's own end counts.
        let ended = !isRunning
        collect(for: ended ? .zero : .milliseconds(20))
        if ended { break }
        try expect(deadline, limit)
        if !uninterrupted { try interruption() }
      }
    } catch {
      end()
      throw error
    }
    return Outcome(status: status ?? -1, output: output, errors: errors)
  }

  /// Ends the program: asks by SIGTERM, and by SIGKILL when it has not gone after `patience`.
  package func end(patience: Duration = .milliseconds(500)) {
    guard isRunning else { return }
    kill(identifier, SIGTERM)
    let deadline = ContinuousClock.now + patience
    while isRunning, ContinuousClock.now < deadline { usleep(5_000) }
    if isRunning {
      killHard()
      reap(blocking: true)
    }
  }

  /// What it has started goes with it, where it leads a group.
  private func killHard() {
    if leadsGroup { kill(-identifier, SIGKILL) }
    kill(identifier, SIGKILL)
  }

  private func expect(_ deadline: ContinuousClock.Instant, _ limit: Duration) throws {
    guard ContinuousClock.now < deadline else {
      throw ChildError(
        .timedOut, "`\(arguments.joined(separator: " "))` was not done within \(limit)",
        remedy: "run the command by hand to see what it waits for")
    }
  }

  private func reap(blocking: Bool) {
    guard status == nil else { return }
    var raw: Int32 = 0
    if waitpid(identifier, &raw, blocking ? 0 : WNOHANG) == identifier {
      let signal = raw & 0x7f
      status = signal == 0 ? (raw >> 8) & 0xff : 128 + signal
    }
  }

  /// Reads what the pipes have, waiting at most `limit` for something.
  private func collect(for limit: Duration) {
    let watched = [outputDescriptor, errorDescriptor].filter { $0 >= 0 }
    guard !watched.isEmpty else {
      usleep(UInt32(max(0, min(limit.nanoseconds / 1000, 5_000))))
      return
    }
    var readable = [UInt8](repeating: 0, count: watched.count)
    guard
      medulla_wait_readable(watched, &readable, Int32(watched.count), limit.nanoseconds) > 0
    else { return }
    drain(&outputDescriptor, into: &output)
    drain(&errorDescriptor, into: &errors)
  }

  private func drain(_ descriptor: inout Int32, into kept: inout [UInt8]) {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while descriptor >= 0 {
      let count = read(descriptor, &chunk, chunk.count)
      if count == 0 {
        close(descriptor)
        descriptor = -1
      }
      guard count > 0 else { return }
      kept.append(contentsOf: chunk[..<count].prefix(max(0, Self.keptBytes - kept.count)))
    }
  }
}
