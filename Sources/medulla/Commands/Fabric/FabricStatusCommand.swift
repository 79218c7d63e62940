import ArgumentParser
import MedullaBase
import MedullaFabric

/// `medulla fabric status`.
struct FabricStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "What a fabric's switches have done.",
    discussion: "Counts are the kernel's own, since the fabric started. Needs root.")

  @OptionGroup var fabric: FabricName
  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let status = try FabricStatus(fabric.names())
    print(json ? try JSONText.encode(status) : status.text)
  }
}
