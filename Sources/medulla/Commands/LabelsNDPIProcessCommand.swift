import ArgumentParser
import Foundation
import MedullaAdaptation
import MedullaBase

/// What the daemon starts for an agent of kind `ndpi`.
struct LabelsNDPIProcessCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ndpi-process", abstract: "Label flows by nDPI for the daemon that starts this.",
    shouldDisplay: false)

  func run() throws {
    // A daemon that has gone shall end this by an error, not by a signal.
    signal(SIGPIPE, SIG_IGN)
    do {
      try NDPIProcess.serve()
    } catch {
      Narration.tell("ndpi: \(error)")
      throw ExitCode.failure
    }
  }
}
