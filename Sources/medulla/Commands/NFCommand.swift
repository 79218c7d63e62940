import ArgumentParser
import Foundation
import MedullaBase
import MedullaControl
import MedullaNF

/// `medulla nf WHAT`.
struct NFCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nf", abstract: "Chains of network functions over packets' payloads.",
    discussion: """
      A chain file names an interface, functions and rules; frames that a rule matches go to its function by \
      shared memory, all others stay the kernel's. Functions are processes of other users: Medulla's own, or \
      a program in Swift, Python or C.
      """,
    subcommands: [
      NFStartCommand.self, NFListCommand.self, NFStatsCommand.self, NFStopCommand.self, NFHostCommand.self,
      NFSendCommand.self,
    ])
}

/// `medulla nf start FILE`.
struct NFStartCommand: ControlVerbCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Have the daemon begin a chain.",
    discussion: """
      The daemon's configuration must have the table network_functions, which lists the users that functions \
      may be started as. Only root and the daemon's own user begin chains.
      """)

  @OptionGroup var control: ControlOptions
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The chain file (docs/reference/chain-file.md).")
  var file: String

  func makeRequest() throws -> ControlRequest {
    // Here its errors have the caller's own path.
    let chain = try ChainFile(path: file)
    guard chain.settings.engine == .xdp else {
      throw ControlError(
        .refused, "the daemon hosts no chain over DPDK, which a process has once",
        remedy: "`medulla nf host \(file)` hosts it")
    }
    let object = try DemultiplexerObject.installed() ?? DemultiplexerObject.compile()
    return ControlRequest(
      .startChain, path: URL(fileURLWithPath: file).standardizedFileURL.path,
      object: Data(object).base64EncodedString())
  }
}

/// `medulla nf stop NAME`.
struct NFStopCommand: ControlVerbCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop",
    abstract: "End a chain: its functions end, its interface is the kernel's alone again.")

  @OptionGroup var control: ControlOptions
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The chain.")
  var name: String

  func makeRequest() -> ControlRequest { ControlRequest(.stopChain, chain: name) }
}

/// `medulla nf list`.
struct NFListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the daemon's chains and their functions.")

  @OptionGroup var control: ControlOptions
  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let answer = try control.connect().ask(ControlRequest(.chains), as: ChainsAnswer.self)
    if json { return try StatusOutput.printJSON(answer) }
    if answer.chains.isEmpty { return Narration.tell("there are no chains") }
    print(ChainTables.list(answer.chains))
  }
}

/// `medulla nf stats [NAME]`.
struct NFStatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Show what chains have done: frames by what became of them, and who has them.")

  @OptionGroup var control: ControlOptions
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The chain; all of them when left out.")
  var name: String?

  func run() throws {
    let request = ControlRequest(.chains, chain: name)
    let answer = try control.connect().ask(request, as: ChainsAnswer.self)
    if json { return try StatusOutput.printJSON(answer) }
    if answer.chains.isEmpty { return Narration.tell("there are no chains") }
    print(answer.chains.map(ChainTables.counts).joined(separator: "\n\n"))
  }
}
