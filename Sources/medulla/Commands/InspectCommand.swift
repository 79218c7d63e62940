import ArgumentParser
import MedullaBase
import MedullaSnapshot

/// `medulla inspect`: what a bundle computes, and why it cannot overflow.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show a bundle's layers, ranges, packing and proven bounds.")

  @Argument(help: "A bundle made by `medulla compile`.")
  var bundle: String
  @Flag(help: "Print JSON on standard output.")
  var json = false

  func run() throws {
    let summary = SnapshotSummary(try SnapshotBundle.open(bundle))
    try print(json ? JSONText.encode(summary, keys: .asNamed) : summary.text)
  }
}
