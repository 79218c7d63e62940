import MedullaFrames
import MedullaLearning

/// What an adapter's process is started with, and how long it may take.
package struct ProcessSettings: Sendable, Equatable {
  /// Program (looked up on PATH) and arguments.
  package var command: [String]
  /// Changes to this process's environment.
  package var environment: [String: String]
  package var directory: String?
  package var isolation: ProcessIsolation
  /// Passed on in the greeting, for the adapter's own use.
  package var options: [String: FrameValue]
  /// The name of the function that it adapts, and the names of the samples' outcomes in their order.
  package var function: String
  package var outcomes: [String]
  /// The name of the directory that is its own; nil: the function's.
  package var state: String?
  /// Packets that it is handed, by a socket that can only receive; nil: it gets none.
  package var packets: PacketSupply?
  /// As what errors name it.
  package var role = ProcessRole.adapter
  /// The longest that one call may take before the process is ended.
  package var deadline: Duration
  /// The longest from the start to the answer to the greeting: imports are slow.
  package var startDeadline: Duration
  /// How long one call waits for a process that is starting, before it is refused and may ask again.
  package var startPatience: Duration
  package var restart: RestartPolicy

  package init(
    command: [String], environment: [String: String] = [:], directory: String? = nil,
    isolation: ProcessIsolation = ProcessIsolation(),
    options: [String: FrameValue] = [:], function: String = "medulla",
    outcomes: [String] = [], deadline: Duration = .seconds(10),
    startDeadline: Duration = .seconds(60), startPatience: Duration = .seconds(5),
    restart: RestartPolicy = RestartPolicy()
  ) {
    self.command = command
    self.environment = environment
    self.directory = directory
    self.isolation = isolation
    self.options = options
    self.function = function
    self.outcomes = outcomes
    self.deadline = deadline
    self.startDeadline = startDeadline
    self.startPatience = startPatience
    self.restart = restart
  }

  /// A Python class, `package.module:Class`, run by the interpreter that has the `medulla` package.
  package static func python(_ name: String, interpreter: String = "python3") -> ProcessSettings {
    ProcessSettings(
      command: [interpreter, "-m", "medulla.adapter", name], environment: ["PYTHONUNBUFFERED": "1"])
  }

  var stateName: String { state ?? function }

  func check() throws(AdapterFailure) {
    guard let program = command.first, !program.isEmpty else {
      throw AdapterFailure(
        .badRequest, "no command is given for the \(role.rawValue)", remedy: "Name a program.")
    }
    guard [function, stateName].allSatisfy({ $0.first.map { $0 != "." } ?? false && !$0.contains("/") })
    else {
      throw AdapterFailure(.badRequest, "\(stateName) is no name for a function with \(role.one)")
    }
    guard ProcessIsolation.memoryRange.contains(isolation.memory),
      ProcessIsolation.taskRange.contains(isolation.tasks)
    else {
      throw AdapterFailure(
        .badRequest, "the \(role.rawValue)'s memory must be 64MiB to 4TiB, its tasks 1 to 65536")
    }
    let times = [deadline, startDeadline, startPatience, restart.first, restart.longest]
    guard times.allSatisfy({ $0 > .zero && $0 <= .seconds(86_400) }), restart.limit > 0, restart.recovery > 0
    else {
      throw AdapterFailure(
        .badRequest,
        "the \(role.rawValue)'s times must be above 0 and at most a day, its limits at least 1")
    }
  }
}
