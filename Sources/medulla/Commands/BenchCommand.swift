import ArgumentParser
import MedullaDatapath
import MedullaModel
import MedullaSnapshot

/// `medulla bench WHAT`.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure on this machine.",
    subcommands: [BenchInferenceCommand.self, BenchCollectingCommand.self, BenchSimulatorCommand.self])
}

/// `medulla bench inference BUNDLE`.
struct BenchInferenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inference",
    abstract: "Measure one inference: in the kernel, natively, and as a round trip to user space.",
    discussion: """
      Figures are nanoseconds of one run on this machine; compare them with each other. kernel_ns includes \
      the set-up of a test run, which empty_ns is. For the cost in live TCP, with cold caches, attach with \
      --measure and see `medulla status`.
      """)

  @Option(help: ArgumentHelp("A row of this .npy or .csv file is the input.", valueName: "file"))
  var input: String?
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The compiled network.")
  var bundle: String

  func run() throws {
    let opened = try SnapshotBundle.open(bundle)
    let snapshot = try DatapathSnapshot(opened)
    let interpreter = ReferenceInterpreter(opened.snapshot)
    let features: [Int64]
    if let input {
      let samples = try SampleFile.read(input, elements: snapshot.inputs)
      guard let first = samples.first else { throw ValidationError("\(input) has no rows") }
      features = interpreter.fixedPoint(first)
    } else {
      features = interpreter.fixedPoint(
        opened.snapshot.record.featureRanges.map { Float(($0.low + $0.high) / 2) })
    }
    let report = try InferenceBenchmark(snapshot, shape: opened.snapshot.shape).run(features: features)
    guard !json else { return try StatusOutput.printJSON(report) }
    print("kernel, test run     \(report.kernel) ns (of them set-up \(report.empty))")
    print("native, scalar       \(StatusFigures.tenths(report.nativeScalar)) ns")
    print("native, -march       \(StatusFigures.tenths(report.nativeSIMD)) ns")
    print("native, packed       \(StatusFigures.tenths(report.nativePacked)) ns (the kernel's own C)")
    print("round trip, median   \(report.roundTrip) ns (99%: \(report.roundTrip99))")
    print("kernel / native      \(StatusFigures.hundredths(report.kernelOverNative))")
  }
}

private enum StatusFigures {
  static func tenths(_ value: Double) -> String { String((value * 10).rounded() / 10) }
  static func hundredths(_ value: Double) -> String { String((value * 100).rounded() / 100) }
}
