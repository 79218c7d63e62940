import ArgumentParser
import Foundation
import MedullaBase
import MedullaControl

/// `medullad CONFIG`: the slow path as a service.
@main
struct MedullaDaemon: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "medullad",
    abstract: "Keep the networks in the kernel learning.",
    discussion: """
      Hosts the slow path of every function of the configuration: collects samples, has adapters learn from \
      them, and replaces a function's snapshot when its gates say so. `medulla top`, `why` and `history` \
      show what it does; docs/use/daemon.md tells how to install it.
      """,
    version: Daemon.version)

  @Flag(help: "Check the configuration, print what is wrong, and end.")
  var check = false
  @Argument(help: ArgumentHelp("The configuration.", valueName: "config"))
  var path = "/etc/medulla/medulla.yaml"

  static func main() {
    StandardOutput.failWhereLost()
    main(nil)
  }

  func run() throws {
    if check { return print(try DaemonProcess.check(configuration: path)) }
    try DaemonProcess.run(configuration: path)
  }
}
