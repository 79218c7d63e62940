import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedNF
import TestbedReport

/// A real classifier of payloads on real files: the study `nf-file-types`.
enum FileTypeAnswers {
  static let transports = Axis(
    "transports", "transport", FileTypeBench.Transport.allCases.map(\.rawValue), "How files are sent.")

  static let files = Metric("files", "files", places: 0)
  static let same = Metric("same", "share with the package's answer", places: 4)
  static let function = Metric("function_us", "last packet to answer, p50", "µs", places: 1)
  static let engine = Metric("engine_us", "engine alone, p50", "µs", places: 1)
  static let ratio = Metric("ratio", "function over engine, p50")
  static let tail = Metric("function_p99_us", "last packet to answer, p99", "µs", places: 1)

  static let study = Study(
    "nf-file-types", "Types of files that pass by, told by magika's network, over TCP and UDP.",
    discussion: """
      Files written, drawn and of Python's packages through a chain; Python with magika tells what they are. \
      Needs root, clang, ONNX Runtime and magika in .venv (or MEDULLA_PYTHON); two minutes.
      """,
    method: """
      Each file is sent when the answer about the one before is there: over TCP on a connection of its own \
      through the chain to a server behind it, or as an object in datagrams of 1,024 bytes. The time is \
      from the reception of the file's last packet to the answer: rings, reassembly, the network's input, \
      the network on one thread, and the rule behind it. Right after each answer the engine alone runs on \
      the same row, in another session with one thread. Medians over the files that the network is shown; \
      of each round and way their ratio. The answers must be those of the Python package for the same \
      bytes, and the size the file's. Empty files are left out: they have no packets.
      """,
    keys: [transports, Common.repeats.with(5)], quick: { $0[Common.repeats] = 1 },
    cells: { [StudyCell].one.times(transports, $0) },
    check: { plan in
      try Study.require(
        plan[transports].allSatisfy { FileTypeBench.Transport(rawValue: $0) != nil },
        "A transport of the plan is not known.", remedy: "Use tcp and udp.")
    },
    programs: [ChainLink.ethtool],
    course: .trials(.shuffled) { plan, _ in
      let corpus = try FileCorpus(python: PythonInterpreter.path(), seed: plan.seed)
      let bench = try FileTypeBench(corpus)
      return { cell, _ in
        guard let transport = FileTypeBench.Transport(rawValue: cell[transports]) else { return Reading() }
        let answers = try bench.answers(transport)
        let times = answers.compactMap(\.times)
        let own = times.map { Double($0.function) / 1e3 }
        let alone = times.map { Double($0.engine) / 1e3 }
        let (median, least) = (Statistics.quantile(own, 0.5), Statistics.quantile(alone, 0.5))
        return Reading([
          files: Double(answers.count), same: Double(answers.count(where: \.isSame)) / Double(answers.count),
          function: median, engine: least, ratio: least > 0 ? median / least : nil,
          tail: Statistics.quantile(own, 0.99),
        ])
      }
    },
    metrics: [files, same, function, engine, ratio, tail],
    bounds: [
      Bound(each: ratio, to: .atMost(1.2), .ours, by: .interval), Bound(each: same, to: .atLeast(1), .ours),
      Bound(each: files, to: .atLeast(200), .ours),
    ],
    plots: [.bars("Function over engine alone, medians", ratio, mark: .dots)])
}
