import ArgumentParser
import Foundation
import MedullaBase
import MedullaLearning

/// `medulla simulator WHAT`.
struct SimulatorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulator", abstract: "The congestion simulator, for other programs.",
    subcommands: [SimulatorServeCommand.self])
}

/// `medulla simulator serve`.
struct SimulatorServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Play episodes of congestion control for a program that learns.",
    discussion: """
      Speaks frames over the standard input and output (docs/reference/adapter-protocol.md, "The \
      simulator"). The Python package's environment medulla-congestion-v0 starts it; start several for \
      several environments.
      """)

  func run() throws {
    // A program that has gone shall end this one by an error, not by a signal.
    signal(SIGPIPE, SIG_IGN)
    let server = EnvironmentServer(DescriptorChannel(input: STDIN_FILENO, output: STDOUT_FILENO))
    do {
      try server.serve()
    } catch {
      Narration.tell("simulator: \(error)")
      throw ExitCode.failure
    }
  }
}
