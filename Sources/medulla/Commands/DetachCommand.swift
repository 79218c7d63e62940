import ArgumentParser
import MedullaBase
import MedullaCompile
import MedullaDatapath

/// `medulla detach NAME`.
struct DetachCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detach",
    abstract: "Take a network out of the kernel.",
    discussion: """
      Running flows go over to the congestion control that was the default when the network was attached, \
      each on its next ACK.
      """)

  @Argument(help: "The instance.")
  var name: String

  func run() throws {
    try Instance(name).detach(narrate: Narration.tell)
    Narration.tell("detached \(name)")
  }
}
