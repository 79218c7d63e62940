import ArgumentParser
import MedullaBase
import MedullaDatapath
import MedullaPaths
import MedullaSnapshot

/// `medulla attach paths --dev DEV --path PATH --path PATH BUNDLE`.
struct AttachPathsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "paths",
    abstract: "Choose the path of each flow at an interface's egress by what the network says of the paths.",
    discussion: """
      BUNDLE is a network over features of paths (`medulla features list --paths`) and of flows, with one \
      output for each --path: what that path would cost the flow, log2(1 + round trip in us) and one more \
      for each sixteenth of the segments that is sent again. The least one is taken. --dev is where packets \
      go out without it.

      A path is route (as without it), dev=DEV[,via=ADDRESS] (another interface or next hop), \
      ipip=ADDRESS,from=ADDRESS,dev=DEV[,via=ADDRESS] (in an IPv4 header), or \
      srv6=SEGMENT[+SEGMENT],from=ADDRESS,dev=DEV[,via=ADDRESS] (in an IPv6 header along the segments). \
      Packets that do not fit with such headers go as routed: give the route an mtu that leaves room.

      A path from which nothing comes back is left, and tried again by copies of packets. It stays after \
      this command ends, until `medulla detach NAME`.
      """)

  @Option(help: "The interface.")
  var dev: String
  @Option(help: ArgumentHelp("A path; give two to eight.", valueName: "path"))
  var path: [String] = []
  @Option(
    help: ArgumentHelp(
      "Paths whose cost is at most so much above the least one are drawn among, in powers of two.",
      valueName: "cost"))
  var margin = 0.25
  @Option(help: ArgumentHelp("One of so many flows takes any living path; 0: none.", valueName: "flows"))
  var explore = 16
  @Option(
    help: ArgumentHelp(
      "A flow that has paused for longer may take another path, such as 500us; never.", valueName: "time"))
  var flowletGap = "never"
  @Option(help: "The instance's name, at most 15 characters.")
  var name = "paths"
  @OptionGroup var options: InterfaceOptions

  func run() throws {
    let snapshot = try options.common.snapshot()
    var settings = try PathSettings(path.map { try NetworkPath($0) })
    try settings.setMargin(margin)
    try settings.setExploration(Double(explore))
    try settings.setGap(flowletGap)
    let hook = try FunctionHook("tc:\(dev):egress")
    try options.attach(PathSelection(at: hook, settings), snapshot, as: name)
  }
}
