import ArgumentParser
import MedullaBase

/// The commands of the testbed. They are another program's, `medulla-lab`, which lies beside this one: this
/// process becomes it, so that arguments, exit status, signals and terminal are its own.
enum Forwarding {
  static let program = "medulla-lab"
  /// Each a path of words.
  static let commands: [[String]] =
    [["bench", "collecting"]] + groups.map { [$0.configuration.commandName ?? ""] }
  static let groups: [any ParsableCommand.Type] = [
    DemoForward.self, LinkForward.self, ExperimentForward.self, BaselineForward.self,
  ]

  /// Whether these arguments are the testbed's, also when they only ask for its help.
  static func takes(_ arguments: [String]) -> Bool {
    let words = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
    return commands.contains { words.starts(with: $0) }
  }
}

/// A command that is only listed here.
protocol ForwardedCommand: ParsableCommand {}

extension ForwardedCommand {
  func run() throws {
    try SiblingProgram.become(Forwarding.program, Array(CommandLine.arguments.dropFirst()))
  }
}

struct DemoForward: ForwardedCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Show a trained network steering TCP on an emulated link.")
}

struct LinkForward: ForwardedCommand {
  static let configuration = CommandConfiguration(
    commandName: "link", abstract: "Run a command behind an emulated link.")
}

struct ExperimentForward: ForwardedCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment", abstract: "Run a measurement and judge it.")
}

struct BaselineForward: ForwardedCommand {
  static let configuration = CommandConfiguration(
    commandName: "baseline", abstract: "Congestion controls to compare with, as TCP selects them by name.")
}

struct BenchCollectingForward: ForwardedCommand {
  static let configuration = CommandConfiguration(
    commandName: "collecting", abstract: "Measure what sending samples up costs an ACK.")
}
