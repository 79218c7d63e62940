import ArgumentParser
import MedullaControl

/// `medulla run CONFIG`.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run the slow path of a configuration's functions in the foreground.",
    discussion: """
      The same as the service medullad, with its log on standard error. Ctrl-C stops it and leaves the \
      functions on in the kernel, or detaches them, as `on_stop` says. \
      docs/reference/configuration.md lists the keys.
      """)

  @Flag(help: "Check the configuration, print what is wrong, and end.")
  var check = false
  @Argument(help: ArgumentHelp("The configuration.", valueName: "config"))
  var path: String

  func run() throws {
    if check { return print(try DaemonProcess.check(configuration: path)) }
    try DaemonProcess.run(configuration: path)
  }
}
