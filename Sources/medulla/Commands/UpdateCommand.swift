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
    let instance = try Instance(name)
    let status = try instance.update(snapshot, narrate: Narration.tell)
    if let reader = instance.reader {
      Narration.tell(
        "\(reader) learns for \(name): its `on_update` decides whether it keeps to this snapshot (pin) or "
          + "learns on from it (reseed); `medulla why \(name)` tells")
    }
    try StatusOutput.print(status, json: json)
  }
}
