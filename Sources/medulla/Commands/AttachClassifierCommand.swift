import ArgumentParser
import MedullaBase
import MedullaClassification
import MedullaDatapath
import MedullaFlows
import MedullaSnapshot

/// `medulla attach classifier --dev DEV BUNDLE`.
struct AttachClassifierCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classifier",
    abstract: "Classify flows at a network interface, and act on their packets.",
    discussion: """
      BUNDLE is a network over features of flows: `medulla compile MODEL --features FILE --labels FILE …`. \
      A flow is decided once, at a packet of its or when it ends before, or again at every packet. Then its \
      packets meet the action of its class: count, drop, mark:N (skb->mark, at tc), limit:RATE (together), \
      redirect:DEV or mirror (to a ring that `medulla mirror` reads). Two more words stand where a label \
      does: unsure, for flows whose margin is too small, and pending, for flows that are not decided yet.

      At ingress and XDP only what comes in is seen; at both directions of an interface a flow's features \
      have both. It stays after this command ends, until `medulla detach NAME`.
      """)

  @Option(help: "The interface.")
  var dev: String
  @Option(help: ArgumentHelp("Where packets are met: ingress, egress, both or xdp.", valueName: "place"))
  var at = "ingress"
  @Option(
    help: ArgumentHelp(
      "LABEL=ACTION, such as attack=drop; may be repeated. The rest is counted.", valueName: "rule"))
  var action: [String] = []
  @Option(
    help: ArgumentHelp("Decide at the n-th packet of a flow, at every packet, or at its end.", valueName: "n")
  )
  var packets = "10"
  @Option(
    help: ArgumentHelp(
      "How far the largest output must be before the next; below, a flow is unsure.", valueName: "gap"))
  var margin = 0.0
  @Option(help: "The instance's name, at most 15 characters.")
  var name = "classifier"
  @OptionGroup var options: InterfaceOptions

  func run() throws {
    let snapshot = try options.common.snapshot()
    var settings = ClassifierSettings()
    settings.moment = try Classifier.moment(packets)
    settings.margin = margin
    for rule in action { try settings.add(rule) }
    let hook = try FunctionHook(at == "xdp" ? "xdp:\(dev)" : "tc:\(dev):\(at)")
    try options.attach(Classifier(at: hook, settings), snapshot, as: name)
  }
}
