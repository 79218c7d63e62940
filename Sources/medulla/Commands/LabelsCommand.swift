import ArgumentParser

/// `medulla labels WHAT`.
struct LabelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "labels", abstract: "Labels of flows, by which a classifier is watched and trained anew.",
    subcommands: [LabelsTestCommand.self])
}
