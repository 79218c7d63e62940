import ArgumentParser
import Foundation
import MedullaBase
import MedullaFabric

/// `medulla fabric status`.
struct FabricStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "What a fabric's switches have done.",
    discussion: "Counts are the kernel's own, since the fabric started. Needs root.")

  @OptionGroup var fabric: FabricName
  @Option(
    help: ArgumentHelp(
      "Also draw the placement, with the cells that were counted on each link (SVG).", valueName: "file"))
  var picture: String?
  @Option(help: "The network that is drawn, where a fabric has several.")
  var model: String?
  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let status = try FabricStatus(fabric.names())
    if let picture {
      let state = try FabricState.read(fabric.names())
      let plan = try PlanFolder.read(state.requiredModel(model).plan).plan
      try Data(PlanPicture(plan, counted: status).svg.utf8).write(to: URL(fileURLWithPath: picture))
    }
    print(json ? try JSONText.encode(status) : status.text)
  }
}
