import ArgumentParser
import Foundation
import TestbedExperiments

/// `medulla experiment unreliable-adapter`: the soak's adapter. Started by the daemon.
struct UnreliableAdapterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unreliable-adapter", abstract: "An adapter that crashes at random.", shouldDisplay: false)

  @Option(help: "Chance of a crash in each round of learning.")
  var chance = 0.02
  @Option(help: ArgumentHelp("Write a line here before each crash.", valueName: "file"))
  var crashes: String?

  func run() throws {
    guard let text = ProcessInfo.processInfo.environment["MEDULLA_ADAPTER_FD"], let descriptor = Int32(text)
    else { throw ValidationError("The daemon starts this, and says in MEDULLA_ADAPTER_FD where it is.") }
    var adapter = UnreliableAdapter(
      descriptor: descriptor, chance: chance, crashes: crashes, seed: UInt64(getpid()))
    try adapter.serve()
  }
}
