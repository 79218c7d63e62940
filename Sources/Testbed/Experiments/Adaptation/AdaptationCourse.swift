import MedullaBase
import MedullaCompile
import MedullaDatapath
import TestbedLink
import TestbedWorkload

/// One scheme's way through the conditions: one TCP flow over a link that changes.
struct AdaptationCourse {
  /// Seconds of the transfer beyond the last interval.
  private static let spareSeconds = 2
  private static let tick = Duration.milliseconds(100)

  let plan: StudyPlan
  let instance: ExperimentInstance
  /// For each condition the snapshot that is put in when it begins; empty: none is.
  let trained: [DatapathSnapshot]
  let executable: String

  private struct Record {
    /// Seconds of the run at which another version became active.
    var activations: [Double] = []
    var version: UInt64?
  }

  private var conditions: [LinkCondition] { Adaptation.conditions(plan) }

  func run(_ round: Int) throws -> Reading {
    let seed = plan.seed(round: round)
    return try LinkEmulator.with(conditions[0].link(seed: seed), executable: executable) { link in
      let background = try BackgroundTraffic(over: link)
      defer { background.stop() }
      background.follow(conditions[0].background)
      let seconds = conditions.count * plan[Adaptation.interval] + Self.spareSeconds
      let transfer = try Transfer(.init(congestion: instance.congestion, seconds: seconds), over: link)
      defer { transfer.end() }
      let record = try follow(transfer, link, background, seed: seed)
      let result = try transfer.finish()
      return try reading(record, result, windows: link.stop().forward.windows)
    }
  }

  /// Walks through the conditions at their times; each begins a window of the link's recording.
  private func follow(
    _ transfer: Transfer, _ link: LinkEmulator, _ background: BackgroundTraffic, seed: UInt64
  ) throws -> Record {
    var record = Record()
    for (index, condition) in conditions.enumerated() {
      // The first condition is what the link begins with.
      if index > 0 {
        try link.change(condition.link(seed: seed))
        background.follow(condition.background)
      }
      if index < trained.count { try instance.update(trained[index]) }
      let end = Double((index + 1) * plan[Adaptation.interval])
      while transfer.seconds(at: MonotonicClock.nanoseconds) < end {
        try note(&record, transfer)
        try Interruption.sleep(Self.tick)
      }
    }
    try link.beginWindow()
    return record
  }

  private func note(_ record: inout Record, _ transfer: Transfer) throws {
    guard let active = try instance.activeVersion(), active != record.version else { return }
    // The first is what was attached.
    if record.version != nil {
      record.activations.append(transfer.seconds(at: MonotonicClock.nanoseconds))
    }
    record.version = active
  }

  private func reading(
    _ record: Record, _ result: TransferResult, windows: [PathWindow]
  ) throws -> Reading {
    guard windows.count > conditions.count, let flow = result.flows.first else {
      throw TestbedError(
        .linkFailed, "The link recorded \(windows.count) windows for \(conditions.count) conditions.",
        remedy: "Run again; report this if it comes back.")
    }
    var reading = Reading([Adaptation.updates: Double(record.activations.count)])
    for (index, condition) in conditions.enumerated() {
      let measured = Adaptation.measured(plan, index)
      reading[Adaptation.goodput(index)] =
        result.goodput(from: measured.lowerBound, to: measured.upperBound) / 1e6
      reading[Adaptation.queue(index)] = windows[index].queueingDelay.meanMilliseconds
      if windows[index].fellBehind { reading.faults.append("\(condition.name): \(Reading.late)") }
    }
    // iperf3 ends with a piece of an interval, whose rate says little.
    let points = flow.received.filter { $0.end - $0.start > 0.25 }
    reading.series = [
      Adaptation.timeSeries: points.map(\.end),
      Adaptation.goodputSeries: points.map { $0.bitsPerSecond / 1e6 },
      Adaptation.activationSeries: record.activations,
    ]
    return reading
  }
}
