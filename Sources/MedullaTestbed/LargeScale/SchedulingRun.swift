/// One scheme over one workload.
public struct SchedulingRun: ExperimentRun, Equatable {
  /// The paper's classes: short below 10 kB, middle up to 100 kB, long above.
  public enum SizeClass: String, Codable, CaseIterable, Sendable {
    case short
    case middle
    case long

    static func of(bytes: Int) -> SizeClass {
      bytes < 10_000 ? .short : bytes <= 100_000 ? .middle : .long
    }
  }

  /// Completion times of one class, in microseconds.
  public struct Times: Codable, Equatable, Sendable {
    public var sizeClass: SizeClass
    public var flows: Int
    public var mean: Double
    public var median: Double
    public var p99: Double
  }

  public var scheme: String
  public var seed: UInt64
  public var times: [Times]
  public var unfinished: Int
  /// Part of the flows that had their true size's band at the end.
  public var rightBand: Double
  /// From a flow's first question to its answer, mean and 99th percentile over flows.
  public var answeredMicroseconds: Double?
  public var answeredP99Microseconds: Double?
  /// Flows that ended without an answer.
  public var unanswered: Int
  public var questions: Int
  public var questionsRefused: Int
  /// Over all questions, from asking to the answer.
  public var waitMicroseconds: Double
  public var waitMostMicroseconds: Double
  public var packetsDropped: Int
  public var packetsMarked: Int
  /// Recorded inferences, and those that are not the reference interpreter's bits.
  public var inferencesChecked: Int
  public var inferencesWrong: Int
  /// Of the predictor on this workload, which is the same for all schemes.
  public var accuracy: FlowSizeAccuracy
  public var events: Int
  public var simulatedSeconds: Double
  public var wallSeconds: Double

  init(
    _ scheme: SchedulingScheme, seed: UInt64, _ output: FabricProgram.Output, checked: (Int, Int),
    accuracy: FlowSizeAccuracy
  ) {
    let flows = output.flows
    self.scheme = scheme.name
    self.seed = seed
    times = SizeClass.allCases.compactMap { sizeClass in
      let own = flows.filter { SizeClass.of(bytes: $0.bytes) == sizeClass }
        .compactMap { $0.fctNs.map { Double($0) / 1000 } }
      guard !own.isEmpty else { return nil }
      return Times(
        sizeClass: sizeClass, flows: own.count, mean: Statistics.mean(own),
        median: Statistics.quantile(own, 0.5), p99: Statistics.quantile(own, 0.99))
    }
    unfinished = flows.filter { $0.fctNs == nil }.count
    rightBand = Double(flows.filter { $0.band == $0.trueBand }.count) / Double(max(1, flows.count))
    let answered = flows.compactMap { $0.answeredNs.map { Double($0) / 1000 } }
    answeredMicroseconds = answered.isEmpty ? nil : Statistics.mean(answered)
    answeredP99Microseconds = answered.isEmpty ? nil : Statistics.quantile(answered, 0.99)
    unanswered = flows.filter { $0.questions > 0 && $0.answeredNs == nil }.count
    questions = output.totals.asked
    questionsRefused = output.totals.refused
    waitMicroseconds = output.totals.waitMeanNs / 1000
    waitMostMicroseconds = output.totals.waitMostNs / 1000
    packetsDropped = output.totals.dropped
    packetsMarked = output.totals.marked
    (inferencesChecked, inferencesWrong) = checked
    self.accuracy = accuracy
    events = output.totals.events
    simulatedSeconds = Double(output.totals.simulatedNs) / 1e9
    wallSeconds = output.totals.wallS
  }

  public func times(_ sizeClass: SizeClass) -> Times? { times.first { $0.sizeClass == sizeClass } }

  public var line: String {
    let shown = times.map { "\($0.sizeClass.rawValue) \(decimal($0.mean, 1)) (p99 \(decimal($0.p99, 0)))" }
    return "\(scheme.padding(15)) seed \(seed): \(shown.joined(separator: ", ")) µs, "
      + "\(unfinished) unfinished, \(questionsRefused) of \(questions) questions refused, "
      + "wait \(decimal(waitMicroseconds, 1)) µs, \(decimal(wallSeconds, 0)) s"
  }
}
