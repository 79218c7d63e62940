import ArgumentParser
import MedullaBase
import MedullaDatapath
import MedullaScheduling
import MedullaSnapshot

/// `medulla attach scheduling --dev DEV BUNDLE`.
struct AttachSchedulingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scheduling",
    abstract: "Schedule flows at an interface's egress by their predicted size.",
    discussion: """
      BUNDLE is a network over features of flows with one output, log2(1 + bytes) of the whole flow: \
      `medulla compile MODEL --features FILE …`. A flow's band gives its packets a class of tc \
      (--priority) and a code point (--dscp). A flow that has sent more than its band holds moves on, \
      whatever was predicted. With --sample 1 every true size goes up, and the daemon can learn from \
      it. It stays after this command ends, until `medulla detach NAME`.
      """)

  @Option(help: "The interface.")
  var dev: String
  @Option(help: ArgumentHelp("Where packets are met: egress, or both.", valueName: "place"))
  var at = "egress"
  @Option(
    help: ArgumentHelp(
      "The most bytes of each band but the last, rising; or quantiles that are learned, such as 50%,80%,95%.",
      valueName: "sizes"))
  var bands = "10KiB,100KiB,1MiB"
  @Option(
    help: ArgumentHelp("The first band's class of tc, such as 1:1; the others follow.", valueName: "class"))
  var priority: String?
  @Option(help: ArgumentHelp("A code point for each band, such as 46,26,10,0.", valueName: "numbers"))
  var dscp: String?
  @Option(help: ArgumentHelp("Ask at the n-th packet of a flow, or at every packet.", valueName: "n"))
  var packets = "1"
  @Flag(inversion: .prefixedNo, help: "Move flows on that have sent more than their band holds.")
  var demotion = true
  @Option(
    help: ArgumentHelp(
      "Refuse packets that rank behind what there is room for: the link's rate and each band's bytes.",
      valueName: "rate,bytes"))
  var admission: String?
  @Option(help: "The instance's name, at most 15 characters.")
  var name = "scheduling"
  @OptionGroup var options: InterfaceOptions

  func run() throws {
    let snapshot = try options.common.snapshot()
    var settings = SchedulingSettings()
    try settings.setBands(bands)
    if let priority { try settings.setPriority(priority) }
    if let dscp { try settings.setMarks(dscp) }
    settings.moment = try FlowScheduling.moment(packets)
    settings.demotes = demotion
    if let admission { try settings.setAdmission(admission) }
    let hook = try FunctionHook("tc:\(dev):\(at)")
    try options.attach(FlowScheduling(at: hook, settings), snapshot, as: name)
  }
}
