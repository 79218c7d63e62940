import CHost
import Glibc

/// A program that this process started: its pipes, its end, within a time limit.
///
/// Plain `posix_spawn`: no shell, no inherited descriptors besides the three standard ones, default signal
/// actions. The object is used from one thread.
package final class ChildProcess {
  /// Where a standard stream goes.
  package enum Stream: Sendable {
    case inherited
    case discarded
    case pipe
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
  /// Write end of the standard input's pipe; -1 without one.
  private var inputDescriptor: Int32
  private var outputDescriptor: Int32
  private var errorDescriptor: Int32
  private var output: [UInt8] = []
  private var errors: [UInt8] = []
  private var status: Int32?

  /// Starts `arguments[0]`, found on PATH, with the rest as its arguments.
  package init(
    _ arguments: [String], environment: [String: String] = [:], input: Stream = .discarded,
    output: Stream = .pipe, errors: Stream = .pipe
  ) throws {
    guard let program = arguments.first else {
      throw TestbedError(.badParameter, "No program was named.", remedy: "Name one.")
    }
    self.arguments = arguments
    // Writing to a program that has ended shall fail, not end this process.
    if input == .pipe { Glibc.signal(SIGPIPE, SIG_IGN) }
    var pipes = SpawnPipes()
    defer { pipes.closeChildEnds() }
    do {
      inputDescriptor = try pipes.connect(0, input)
      outputDescriptor = try pipes.connect(1, output)
      errorDescriptor = try pipes.connect(2, errors)
      identifier = try pipes.spawn(arguments, environment: environment)
    } catch let code as SpawnFailure {
      pipes.closeOwnEnds()
      throw TestbedError(
        code.error == ENOENT ? .missingProgram : .processFailed,
        "Cannot start \(program): \(String(cString: strerror(code.error))).",
        remedy: code.error == ENOENT
          ? "Install it; `make setup` names the packages." : "See the system's log.")
    }
  }

  deinit {
    if status == nil {
      kill(identifier, SIGKILL)
      var raw: Int32 = 0
      waitpid(identifier, &raw, 0)
    }
    for descriptor in [inputDescriptor, outputDescriptor, errorDescriptor] where descriptor >= 0 {
      close(descriptor)
    }
  }

  /// Runs a program to its end and returns what it wrote; throws `processFailed` on a status other than 0.
  @discardableResult
  package static func run(
    _ arguments: [String], environment: [String: String] = [:], within limit: Duration = .seconds(30),
    uninterrupted: Bool = false
  ) throws -> Outcome {
    let child = try ChildProcess(arguments, environment: environment)
    let outcome = try child.finish(within: limit, uninterrupted: uninterrupted)
    guard outcome.status == 0 else { throw child.failure(outcome) }
    return outcome
  }

  /// What to say when the program ended with a status other than 0.
  package func failure(_ outcome: Outcome) -> TestbedError {
    let said = (outcome.errorText.isEmpty ? outcome.outputText : outcome.errorText)
      .split(separator: "\n").suffix(3).joined(separator: " | ")
    return TestbedError(
      .processFailed, "`\(arguments.joined(separator: " "))` ended with status \(outcome.status): \(said)",
      remedy: "Run the command by hand to see more.")
  }

  package var isRunning: Bool {
    reap(blocking: false)
    return status == nil
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
      try Interruption.check()
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
        if !uninterrupted { try Interruption.check() }
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
      kill(identifier, SIGKILL)
      reap(blocking: true)
    }
  }

  private func expect(_ deadline: ContinuousClock.Instant, _ limit: Duration) throws {
    guard ContinuousClock.now < deadline else {
      throw TestbedError(
        .timedOut, "`\(arguments.joined(separator: " "))` was not done within \(limit).",
        remedy: "Run the command by hand to see what it waits for.")
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
