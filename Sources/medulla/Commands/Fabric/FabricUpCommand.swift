import ArgumentParser
import MedullaBase
import MedullaFabric

/// `medulla fabric up PLAN`.
struct FabricUpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Start a plan's switches, with its network on them.",
    discussion: """
      Each switch is a network namespace of this machine with XDP programs on its ports; links are wires \
      between them. They stay when the command ends, until `medulla fabric down`. Needs root.
      """)

  private static let clientRange = 1...32

  @Argument(help: "The plan's folder.")
  var plan: String
  @OptionGroup var fabric: FabricName
  @Option(help: "Clients that can be there at once, 1 to 32, each with as many inferences as the plan says.")
  var clients = 4
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard Self.clientRange.contains(clients) else {
      throw ValidationError("--clients must be 1 to \(Self.clientRange.upperBound).")
    }
  }

  func run() throws {
    let folder = try PlanFolder.read(plan)
    let room = InstalledTask.Room(slots: folder.plan.inferences, clients: clients)
    let running = try RunningFabric.up(folder, fabric.names(), room: room)
    print(
      json
        ? try JSONText.encode(running.state)
        : "\(folder.plan.networkName) is on \(folder.plan.switches.count) switches; "
          + "`medulla fabric infer --input FILE.npy` asks it")
  }
}
