import ArgumentParser
import Foundation
import MedullaBase
import MedullaNF
import MedullaNFFunctions

/// What a chain's host starts for a function of Medulla's own.
struct NFFunctionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nf-function", abstract: "Serve as a network function for the host that starts this.",
    shouldDisplay: false)

  @Argument(help: "The function's kind.")
  var kind: String

  func run() throws {
    // A host that has gone shall end this by an error, not by a signal.
    signal(SIGPIPE, SIG_IGN)
    do {
      let port = try FunctionPort()
      let function = try BuiltInFunctions.make(kind, options: port.parameters)
      try serve(function, port)
    } catch {
      Narration.tell("\(kind): \(error)")
      throw ExitCode.failure
    }
  }

  private func serve(_ function: some NetworkFunction, _ port: FunctionPort) throws {
    try port.serve(function)
    try function.end()
  }
}
