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
  @Option(
    help: ArgumentHelp("Move flows that stay longer on a replaced snapshot, such as 10m.", valueName: "time"))
  var drainLimit: String?
  @OptionGroup var sampling: SamplingOptions
  @Flag(help: "Print the status as JSON.")
  var json = false
  @Argument(help: "The instance's name, at most 15 characters.")
  var name: String
  @Argument(help: "The compiled network.")
  var bundle: String

  func run() throws {
    let snapshot = try DatapathSnapshot(SnapshotBundle.open(bundle))
    let function = PacketFunction(program: program, hook: try FunctionHook(hook))
    let status = try Instance(name).attach(
      function, snapshot, settings: sampling.settings(drainLimit: drainLimit), narrate: Narration.tell)
    Narration.tell("attached at \(hook)")
    try StatusOutput.print(status, json: json)
  }
}

/// What both kinds of attachment take.
struct SamplingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Send every n-th decision up as a sample; 0 sends none.", valueName: "n"))
  var sample = 0
  @Option(help: ArgumentHelp("Size of the ring that samples wait in, such as 2MiB.", valueName: "size"))
  var sampleBuffer: String?
  @Flag(help: "Without flow consistency: every flow takes the active snapshot at its next packet.")
  var follow = false
  @Flag(help: "Take the time of each inference in the kernel.")
  var measure = false

  /// - Parameter drainLimit: as the user wrote it; nil: none.
  func settings(drainLimit: String?) throws -> InstanceSettings {
    InstanceSettings(
      drainLimit: try drainLimit.map { .nanoseconds(Int64(clamping: try Quantity.nanoseconds($0))) },
      measures: measure, sampleEvery: sample, sampleBytes: try bufferBytes(), isConsistent: !follow)
  }

  private func bufferBytes() throws -> Int {
    guard let sampleBuffer else { return SampleBuffer.defaultBytes }
    return try Quantity.bytes(sampleBuffer, in: SampleBuffer.byteRange)
  }
}
