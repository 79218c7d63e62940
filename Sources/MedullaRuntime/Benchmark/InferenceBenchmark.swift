/// What one inference costs in each runtime, in one run on one machine.
package struct InferenceBenchmark {
  /// Runs of one reading, where they fit `patience`.
  package static let repeats = 1_000_000
  /// Readings of each figure; the least is taken, since all noise only adds.
  package static let readings = 7
  /// What one reading of a slow runtime may take, in nanoseconds.
  static let patience = 5e8
  /// Inferences with emptied caches.
  package static let coldRuns = 25
  /// Runs that warm a runtime up and show how many fit.
  static let trials = 10

  package struct Figure: Sendable {
    package let runtime: String
    package let summary: String
    package let time: InferenceTime
    /// nil where the runtime cannot tell.
    package let cold: ColdTime?
    /// Counts about the loaded program, by their JSON keys.
    package let facts: [String: Int]
  }

  package struct Report: Sendable {
    /// In the order of the runtimes.
    package let figures: [Figure]
    /// Runtimes that do not run here, or not this network, and why not.
    package let absent: [(runtime: String, reason: RuntimeError)]
    /// The most runs that a reading took.
    package let repeats: Int

    package func figure(of runtime: String) -> Figure? { figures.first { $0.runtime == runtime } }
  }

  private let network: CompiledNetwork
  private let runtimes: [any Runtime]

  package init(_ network: CompiledNetwork, runtimes: [any Runtime]) {
    self.network = network
    self.runtimes = runtimes
  }

  /// - Parameter features: the input that is inferred over and over, in fixed point.
  /// - Throws: `disagreement` when two runtimes that promise the same bits give others.
  package func run(features: [Int64]) throws -> Report {
    var absent: [(runtime: String, reason: RuntimeError)] = []
    var entries: [Entry] = []
    for runtime in runtimes {
      do {
        if let obstacle = runtime.obstacle { throw obstacle }
        entries.append(Entry(runtime, try runtime.load(network)))
      } catch let error as RuntimeError where [.unavailable, .unsuitable].contains(error.code) {
        absent.append((runtime.name, error))
      }
    }
    try checkAgreement(entries, features)
    for index in entries.indices { try entries[index].findRepeats(features) }
    // Interleaved, so that a slow spell of the machine falls on all of them.
    for _ in 0..<Self.readings {
      for index in entries.indices { try entries[index].read(features) }
    }
    var figures: [Figure] = []
    for entry in entries {
      var cold: ColdTime?
      do {
        cold = try entry.network.coldTime(features, runs: Self.coldRuns)
      } catch let error as RuntimeError where error.code == .unavailable {
        absent.append(("\(entry.runtime.name) with cold caches", error))
      }
      figures.append(
        Figure(
          runtime: entry.runtime.name, summary: entry.runtime.summary, time: entry.least, cold: cold,
          facts: try entry.network.facts()))
    }
    return Report(
      figures: figures, absent: absent, repeats: entries.map(\.repeats).max() ?? 0)
  }

  private struct Entry {
    let runtime: any Runtime
    let network: any LoadedNetwork
    var repeats = 1
    private var readings: [InferenceTime] = []

    init(_ runtime: any Runtime, _ network: any LoadedNetwork) {
      self.runtime = runtime
      self.network = network
    }

    var least: InferenceTime {
      InferenceTime(
        nanoseconds: readings.map(\.nanoseconds).min() ?? 0, setUp: readings.map(\.setUp).min() ?? 0)
    }

    mutating func findRepeats(_ features: [Int64]) throws {
      let trial = try network.time(features, repeats: InferenceBenchmark.trials)
      let fitting = InferenceBenchmark.patience / max(trial.nanoseconds, 1)
      repeats = Int(min(max(fitting, 1), Double(InferenceBenchmark.repeats)))
    }

    mutating func read(_ features: [Int64]) throws {
      readings.append(try network.time(features, repeats: repeats))
    }
  }

  private func checkAgreement(_ entries: [Entry], _ features: [Int64]) throws {
    let exact = try entries.filter { $0.runtime.promise == .exact }
      .map { (name: $0.runtime.name, outputs: try $0.network.run(words: [features])) }
    guard let first = exact.first else { return }
    for other in exact where other.outputs != first.outputs {
      throw RuntimeError(
        .disagreement, "\(other.name) gives \(other.outputs), \(first.name) \(first.outputs)",
        remedy: "the two programs of one shape disagree; report this with the bundle")
    }
  }
}
