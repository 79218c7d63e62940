import ArgumentParser
import MedullaBase
import MedullaDatapath
import MedullaModel
import MedullaRuntime
import MedullaSnapshot

/// `medulla bench inference BUNDLE`.
struct BenchInferenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inference",
    abstract: "Measure one inference in every runtime, and as a round trip from the kernel to user space.",
    discussion: """
      Figures are nanoseconds of one run on this machine; compare them with each other. kernel_ns includes \
      the set-up of a test run, which empty_ns is. kernel_cold_ns is one inference whose code and data are \
      in no cache: the median of runs that each come after the caches were emptied, with its 95% interval \
      (kernel_cold_low_ns, kernel_cold_high_ns); kernel_warm_ns is the same by the same clock with warm \
      caches. Live TCP lies between: attach with --measure and see `medulla status`.
      """)

  @Option(help: ArgumentHelp("A row of this .npy or .csv file is the input.", valueName: "file"))
  var input: String?
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The compiled network.")
  var bundle: String

  func run() throws {
    let network = CompiledNetwork(try SnapshotBundle.open(bundle))
    let features = try row(for: network)
    let report = try InferenceBenchmark(network, runtimes: Runtimes.all).run(features: features)
    for (runtime, reason) in report.absent {
      Narration.tell("\(runtime) is left out: \(reason)")
    }
    let trips = try roundTrips(network, features)
    guard !json else { return try StatusOutput.printJSON(InferenceFigures(report, roundTrips: trips)) }
    print(table(report).text)
    if let trips {
      print("round trip to user space: median \(trips.median) ns, 99% \(trips.percentile99) ns")
    }
    for figure in report.figures {
      for (name, count) in figure.facts.sorted(by: { $0.key < $1.key }) {
        print("\(figure.runtime), \(name.split(separator: "_").joined(separator: " ")): \(count)")
      }
    }
  }

  private func row(for network: CompiledNetwork) throws -> [Int64] {
    guard let input else { return network.middle }
    let shape = network.snapshot.shape
    guard let first = try SampleFile.read(input, elements: shape.inputs).first else {
      throw ValidationError("\(input) has no rows")
    }
    return shape.fixedPoint(first)
  }

  /// nil, and said so, where the round trip cannot be made.
  private func roundTrips(
    _ network: CompiledNetwork, _ features: [Int64]
  ) throws -> RoundTripBenchmark.Summary? {
    do {
      return try RoundTripBenchmark(network).run(features: features)
    } catch let error as RuntimeError where [.unavailable, .unsuitable].contains(error.code) {
      Narration.tell("the round trip is left out: \(error)")
      return nil
    }
  }

  /// Inference is without set-up; the last column is against the quickest.
  private func table(_ report: InferenceBenchmark.Report) -> TextTable {
    let least = report.figures.map(\.time.inference).min() ?? 0
    return TextTable(
      columns: ["runtime", "inference (ns)", "cold (ns)", "set-up (ns)", "of the least"],
      rows: report.figures.map { figure in
        [
          figure.runtime, rounded(figure.time.inference, 10), cold(figure), rounded(figure.time.setUp, 10),
          rounded(figure.time.inference / max(least, 1), 100),
        ]
      })
  }

  /// The median and its interval.
  private func cold(_ figure: InferenceBenchmark.Figure) -> String {
    figure.cold.map { "\(rounded($0.median, 1)) (\(rounded($0.low, 1))–\(rounded($0.high, 1)))" } ?? "–"
  }

  private func rounded(_ value: Double, _ unit: Double) -> String { String((value * unit).rounded() / unit) }
}

/// What `--json` prints: `RUNTIME_ns` for every runtime that ran, what each says of its program, and the
/// round trip.
private struct InferenceFigures: Encodable {
  private var numbers: [String: Double] = [:]

  init(_ report: InferenceBenchmark.Report, roundTrips: RoundTripBenchmark.Summary?) {
    numbers["repeats"] = Double(report.repeats)
    for figure in report.figures {
      let key = figure.runtime.split(separator: "-").joined(separator: "_")
      numbers[key + "_ns"] = figure.time.nanoseconds
      if let cold = figure.cold {
        numbers[key + "_cold_ns"] = cold.median
        numbers[key + "_cold_low_ns"] = cold.low
        numbers[key + "_cold_high_ns"] = cold.high
        numbers[key + "_warm_ns"] = cold.warm
      }
      for (name, count) in figure.facts { numbers[name] = Double(count) }
      if figure.time.setUp > 0 { numbers["empty_ns"] = figure.time.setUp }
    }
    if let roundTrips {
      numbers["roundtrip_ns"] = Double(roundTrips.median)
      numbers["roundtrip_p99_ns"] = Double(roundTrips.percentile99)
    }
  }

  func encode(to encoder: any Encoder) throws { try numbers.encode(to: encoder) }
}
