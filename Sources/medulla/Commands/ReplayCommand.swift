import ArgumentParser
import Foundation
import MedullaBase
import MedullaClassification
import MedullaControl
import MedullaFlows
import MedullaSnapshot

/// `medulla replay CAPTURE|STATE --model BUNDLE`.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Tell which decisions another network would have made otherwise.",
    discussion: """
      Exact, since inference is the same integers everywhere. A directory is the daemon's state, whose \
      recorded decisions are made again; a file is a capture, whose flows both networks decide. Nothing is \
      loaded.
      """)

  @Argument(help: "A daemon's state directory, or a capture.")
  var source: String
  @Option(help: ArgumentHelp("The other network, compiled.", valueName: "bundle"))
  var model: String
  @Option(help: ArgumentHelp("With a capture: the network that decides it now.", valueName: "bundle"))
  var against: String?
  @Option(
    help: ArgumentHelp(
      "With a state directory: the function, where several have decisions.", valueName: "name"))
  var function: String?
  @Option(
    help: ArgumentHelp(
      "With a capture: decide at the n-th packet of a flow, at every packet, or at its end.", valueName: "n"))
  var packets: String?
  @Option(
    help: ArgumentHelp(
      "How far the largest output must be before the next; below, a flow is unsure.", valueName: "gap"))
  var margin = 0.0
  @Option(help: "With a capture: a flow that is silent for longer is over, such as 60s.")
  var idle: String?
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard margin >= 0, margin <= 1e6 else { throw ValidationError("--margin \(margin) is out of range") }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: source, isDirectory: &isDirectory) else {
      throw ValidationError(
        "there is no \(source); give a capture, or the `state` of the daemon's configuration")
    }
    if isDirectory.boolValue {
      if against != nil || packets != nil || idle != nil {
        throw ValidationError("--against, --packets and --idle go with a capture; \(source) is a directory")
      }
    } else if function != nil {
      throw ValidationError("--function goes with a state directory; \(source) is a file")
    } else if against == nil {
      throw ValidationError("a capture needs --against BUNDLE, the network that decides it now")
    }
  }

  func run() throws {
    let bundle = try SnapshotBundle.open(model)
    let changes: DecisionChanges
    if let against {
      changes = try replay(SnapshotBundle.open(against), bundle)
    } else {
      let records = try DecisionRecords(HistoryArchive(directory: source), function: function)
      changes = try records.changes(by: bundle.file, named: bundle.path, margin: margin)
    }
    if json { return try StatusOutput.printJSON(changes) }
    show(changes)
  }

  private func replay(_ before: SnapshotBundle, _ after: SnapshotBundle) throws -> DecisionChanges {
    func classified(_ bundle: SnapshotBundle, tells: Bool) throws -> CaptureClassification {
      try CaptureClassification(
        CaptureFile(source), by: bundle.file, named: bundle.path, at: Classifier.moment(packets ?? "10"),
        idle: Quantity.duration(idle ?? "60s")
      ) { error in
        if tells { Narration.tell("Warning: \(error)") }
      }
    }
    return try classified(before, tells: true).changes(by: classified(after, tells: false), margin: margin)
  }

  private func show(_ changes: DecisionChanges) {
    if !changes.transitions.isEmpty {
      let table = TextTable(
        columns: ["from", "to", "decisions"],
        rows: changes.transitions.map { [$0.from, $0.to, String($0.count)] }, leaning: 2)
      print(table.text)
      print("")
      let list = TextTable(
        columns: ["flow", "from", "to", "margin", "margin then"],
        rows: changes.changes.map { change in
          [
            change.flow, change.from, change.to, NumberText.short(change.marginBefore),
            NumberText.short(change.marginAfter),
          ]
        }, leaning: 3)
      print(list.text)
    }
    let more = (changes.changed ?? 0) - changes.changes.count
    if more > 0 { Narration.tell("\(more) more are not listed") }
    let others =
      changes.changed.map { "\($0) would have been others" }
      ?? "outputs are of no classes, so that none can be said to be another"
    Narration.tell("\(changes.decisions) decisions: \(others), \(changes.outputsChanged) with other outputs")
  }
}
