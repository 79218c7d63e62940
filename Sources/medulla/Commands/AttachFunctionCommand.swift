import ArgumentParser
import MedullaBase
import MedullaCompile
import MedullaDatapath
import MedullaPacket
import MedullaSnapshot

/// `medulla attach function NAME BUNDLE --hook HOOK [--program PROGRAM]`.
struct AttachFunctionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "function",
    abstract: "Run a network at a network interface, by a function of your own.",
    discussion: """
      BUNDLE carries the function, compiled: `medulla compile MODEL --program FILE.bpf.c …` puts it there, \
      and `medulla compile BUNDLE --program FILE.bpf.c` into a bundle that is there already. It stays after \
      this command ends, until `medulla detach NAME`; status, update, rollback and sampling are as with the \
      congestion control. examples/custom-function has a worked example.
      """)

  @Option(
    help: ArgumentHelp(
      "Which of the bundle's functions, FILE without .bpf.c; needed where it carries several.",
      valueName: "program"))
  var program: String?
  @Option(
    help: ArgumentHelp(
      "Where it meets packets: tc:DEV:ingress, tc:DEV:egress or xdp:DEV.", valueName: "hook"))
  var hook: String
  @Argument(help: "The instance's name, at most 15 characters.")
  var name: String
  @OptionGroup var options: InterfaceOptions

  func run() throws {
    let function = PacketFunction(program: program, hook: try FunctionHook(hook))
    try options.attach(function, options.common.snapshot(), as: name)
  }
}
