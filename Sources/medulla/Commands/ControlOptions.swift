import ArgumentParser
import Foundation
import MedullaControl

/// Where a command finds the daemon.
struct ControlOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The daemon's control socket; MEDULLA_SOCKET, else \(DaemonSettings.defaultSocket), when left out.",
      valueName: "path"))
  var socket: String?

  var path: String {
    socket ?? ProcessInfo.processInfo.environment["MEDULLA_SOCKET"] ?? DaemonSettings.defaultSocket
  }

  func connect() throws -> ControlClient { try ControlClient(path: path) }
}

/// Where a command finds what a daemon has written down.
struct StateOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read this state directory's history when no daemon runs; without it \(DaemonSettings.defaultState).",
      valueName: "directory"))
  var state: String?

  var directory: String { state ?? DaemonSettings.defaultState }

  /// What the last daemon has written down, for a command that found none running.
  ///
  /// - Throws: `error`, with the way to a directory of one's own, when there is nothing at the usual place.
  func archive(insteadOf error: ControlError) throws -> HistoryArchive {
    guard state != nil || HistoryArchive.exists(in: directory) else {
      throw ControlError(
        error.code, error.message, cause: error.cause,
        remedy: error.remedy + "; `--state DIRECTORY` reads what a daemon that has ended wrote to another "
          + "directory than \(directory)")
    }
    return try HistoryArchive(directory: directory)
  }
}
