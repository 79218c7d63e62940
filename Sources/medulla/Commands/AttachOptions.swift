import ArgumentParser
import MedullaBase
import MedullaDatapath
import MedullaSnapshot

/// What every attachment takes after the function's own options.
struct AttachOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Move flows that stay longer on a replaced snapshot, such as 10m.", valueName: "time"))
  var drainLimit: String?
  @Option(
    help: ArgumentHelp("Send every n-th decision up as a sample; 0 sends none.", valueName: "n"))
  var sample = 0
  @Option(help: ArgumentHelp("Size of the ring that samples wait in, such as 2MiB.", valueName: "size"))
  var sampleBuffer: String?
  @Flag(help: "Without flow consistency: every flow takes the active snapshot at its next packet.")
  var follow = false
  @Flag(help: "Take the time of each inference in the kernel.")
  var measure = false
  @Flag(help: "Print the status as JSON.")
  var json = false
  @Argument(help: "The compiled network.")
  var bundle: String

  func snapshot() throws -> DatapathSnapshot { try DatapathSnapshot(SnapshotBundle.open(bundle)) }

  /// Attaches, and prints the status.
  ///
  /// - Parameter told: what is said of it to people.
  func attach(
    _ function: some DatapathFunction, _ snapshot: DatapathSnapshot, as name: String, flows: Int? = nil,
    told: (InstanceStatus) -> String
  ) throws {
    var settings = try settings()
    settings.flowLimit = flows
    let status = try Instance(name).attach(
      function, snapshot, settings: settings, narrate: Narration.tell)
    Narration.tell(told(status))
    try StatusOutput.print(status, json: json)
  }

  private func settings() throws -> InstanceSettings {
    InstanceSettings(
      drainLimit: try drainLimit.map { .nanoseconds(Int64(clamping: try Quantity.nanoseconds($0))) },
      measures: measure, sampleEvery: sample, sampleBytes: try bufferBytes(), isConsistent: !follow)
  }

  private func bufferBytes() throws -> Int {
    guard let sampleBuffer else { return SampleBuffer.defaultBytes }
    return try Quantity.bytes(sampleBuffer, in: SampleBuffer.byteRange)
  }
}

/// What attachments at an interface take beside that.
struct InterfaceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How many flows are kept at once (16384); packets of others are decided one by one.",
      valueName: "count"))
  var flows: Int?
  @OptionGroup var common: AttachOptions

  func attach(
    _ function: some InterfaceFunction, _ snapshot: DatapathSnapshot, as name: String
  ) throws {
    try common.attach(function, snapshot, as: name, flows: flows) { _ in "attached at \(function.hook)" }
  }
}
