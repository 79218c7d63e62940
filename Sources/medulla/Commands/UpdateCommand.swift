import ArgumentParser
import MedullaBase
import MedullaCompile
import MedullaDatapath
import MedullaSnapshot

/// `medulla update NAME BUNDLE`.
struct UpdateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update",
    abstract: "Replace an instance's network while flows run.",
    discussion: """
      New flows take the new snapshot, running ones stay on theirs. A snapshot of another shape brings its \
      own programs and replaces the old ones in one step.
      """)

  @Flag(help: "Print the status as JSON.")
  var json = false
  @Argument(help: "The instance.")
  var name: String
  @Argument(help: "The compiled network.")
  var bundle: String

  func run() throws {
    let snapshot = try DatapathSnapshot(SnapshotBundle.open(bundle))
    let status = try Instance(name).update(snapshot, narrate: Narration.tell)
    try StatusOutput.print(status, json: json)
  }
}
