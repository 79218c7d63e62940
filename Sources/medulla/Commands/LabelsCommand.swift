import ArgumentParser
import MedullaBase
import MedullaControl

/// `medulla labels WHAT`.
struct LabelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "labels", abstract: "Labels of flows, by which a classifier is watched and trained anew.",
    subcommands: [
      LabelsListCommand.self, LabelsTestCommand.self, LabelsAddCommand.self, LabelsNDPIProcessCommand.self,
    ])
}

/// `medulla labels add --flow FLOW --label CLASS [FUNCTION]`.
struct LabelsAddCommand: ControlVerbCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Tell the daemon what a recorded flow really is.",
    discussion: """
      The flow's last recorded decision gets your label, which is taken to be right whatever agents say. It \
      is on the disk when the command returns, and learned from with the next window. `medulla why --flow` \
      shows the decision first.
      """)

  @OptionGroup var control: ControlOptions
  @Option(help: ArgumentHelp("Its number, or a part of ADDRESS:PORT > ADDRESS:PORT.", valueName: "flow"))
  var flow: String
  @Option(help: ArgumentHelp("One of the network's classes.", valueName: "class"))
  var label: String
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The function; may be left out when there is only one.")
  var function: String?

  func makeRequest() -> ControlRequest {
    ControlRequest(.label, function: function, flow: flow, label: label)
  }
}
