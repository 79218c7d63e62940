import ArgumentParser
import MedullaCompile
import MedullaDatapath

/// `medulla rollback NAME`.
struct RollbackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback", abstract: "Make new flows take the snapshot that was active before.")

  @Flag(help: "Print the status as JSON.")
  var json = false
  @Argument(help: "The instance.")
  var name: String

  func run() throws {
    try StatusOutput.print(Instance(name).rollback(), json: json)
  }
}
