import ArgumentParser
import Foundation
import TestbedNF

/// What the bench of forwarding starts as an unprivileged process.
struct NetworkFunctionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: ForwardProcess.argument, abstract: "Forward what a chain's host gives.",
    shouldDisplay: false)

  @Argument(help: "The socket of the chain's host.")
  var path: String

  @Argument(help: "The function's name.")
  var function: String

  func run() throws {
    signal(SIGPIPE, SIG_IGN)
    try ForwardProcess.serve(path: path, function: function)
  }
}
