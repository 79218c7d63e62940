import MedullaBase

/// A program that the testbed started, within a time limit. A signal that asks this process to stop ends its
/// waits. The object is used from one thread.
package final class ChildProcess {
  package typealias Stream = ChildProgram.Stream
  package typealias Outcome = ChildProgram.Outcome

  private let program: ChildProgram

  package var arguments: [String] { program.arguments }
  package var identifier: Int32 { program.identifier }

  /// Starts `arguments[0]`, found on PATH, with the rest as its arguments.
  package init(
    _ arguments: [String], environment: [String: String] = [:], input: Stream = .discarded,
    output: Stream = .pipe, errors: Stream = .pipe
  ) throws {
    program = try Self.told {
      try ChildProgram(
        arguments, .init(environment: environment), input: input, output: output, errors: errors,
        interruption: Interruption.check)
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
  package func failure(_ outcome: Outcome) -> TestbedError { Self.error(program.failure(outcome)) }

  package var isRunning: Bool { program.isRunning }

  package func signal(_ number: Int32) { program.signal(number) }

  /// Writes to the program's standard input; false when it no longer reads.
  @discardableResult
  package func send(_ text: String) -> Bool { program.send(text) }

  /// Closes the program's standard input.
  package func closeInput() { program.closeInput() }

  /// The next line of the standard output without its newline; nil when the output ended.
  package func readLine(within limit: Duration) throws -> String? {
    try Self.told { try program.readLine(within: limit) }
  }

  /// Waits for the program's end; kills it and throws when the limit passes or a signal interrupts.
  package func finish(within limit: Duration, uninterrupted: Bool = false) throws -> Outcome {
    try Self.told { try program.finish(within: limit, uninterrupted: uninterrupted) }
  }

  /// Ends the program: asks by SIGTERM, and by SIGKILL when it has not gone after `patience`.
  package func end(patience: Duration = .milliseconds(500)) { program.end(patience: patience) }

  private static func told<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as ChildError {
      throw Self.error(error)
    }
  }

  private static func error(_ error: ChildError) -> TestbedError {
    let code: TestbedErrorCode =
      switch error.code {
      case .missing: .missingProgram
      case .notStarted, .failed: .processFailed
      case .timedOut: .timedOut
      }
    return TestbedError(code, error.message, cause: error.cause, remedy: error.remedy)
  }
}
