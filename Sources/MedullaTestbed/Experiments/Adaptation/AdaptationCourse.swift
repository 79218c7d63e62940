import Foundation
import MedullaDatapath

/// One scheme's way through the conditions: one TCP flow over a link that changes.
struct AdaptationCourse {
  /// Seconds of the transfer beyond the last interval.
  private static let spareSeconds = 2
  private static let tick = Duration.milliseconds(100)

  let plan: AdaptationPlan
  let instance: ExperimentInstance
  /// For each condition, for the scheme that puts a trained network in.
  let trained: [DatapathSnapshot]
  let executable: String

  private struct Record {
    var activations: [AdaptationRun.Activation] = []
    var background: [BackgroundTraffic.Counts] = []
  }

  func run(_ scheme: AdaptationScheme, repetition: Int) throws -> AdaptationRun {
    let seed = plan.seed &+ UInt64(repetition)
    return try LinkEmulator.with(plan.conditions[0].link(seed: seed), executable: executable) { link in
      let background = try BackgroundTraffic(over: link)
      defer { background.stop() }
      background.follow(plan.conditions[0].background)
      let transfer = try Transfer(
        .init(congestion: instance.congestion, seconds: plan.runSeconds + Self.spareSeconds), over: link)
      defer { transfer.end() }
      let record = try follow(scheme, transfer, link, background, seed: seed)
      let result = try transfer.finish()
      return try assemble(scheme, repetition, record, result, windows: link.stop().forward.windows)
    }
  }

  /// Walks through the conditions at their times; each begins a window of the link's recording.
  private func follow(
    _ scheme: AdaptationScheme, _ transfer: Transfer, _ link: LinkEmulator, _ background: BackgroundTraffic,
    seed: UInt64
  ) throws -> Record {
    var record = Record()
    for (index, condition) in plan.conditions.enumerated() {
      // The first condition is what the link begins with.
      if index > 0 {
        try link.change(condition.link(seed: seed))
        background.follow(condition.background)
      }
      record.background.append(background.read())
      if scheme == .trained {
        try CongestionControl.update(name: instance.name, snapshot: trained[index])
      }
      let end = Double((index + 1) * plan.intervalSeconds)
      while transfer.seconds(at: monotonicNanoseconds()) < end {
        try note(&record, transfer)
        try Interruption.sleep(Self.tick)
      }
    }
    record.background.append(background.read())
    try link.beginWindow()
    return record
  }

  private func note(_ record: inout Record, _ transfer: Transfer) throws {
    let status = try instance.status()
    guard let active = status.slots.first(where: { $0.state == .active })?.version,
      active != record.activations.last?.version
    else { return }
    record.activations.append(.init(time: transfer.seconds(at: monotonicNanoseconds()), version: active))
  }

  private func assemble(
    _ scheme: AdaptationScheme, _ repetition: Int, _ record: Record, _ result: TransferResult,
    windows: [PathWindow]
  ) throws -> AdaptationRun {
    guard windows.count > plan.conditions.count, let flow = result.flows.first else {
      throw TestbedError(
        .linkFailed, "The link recorded \(windows.count) windows for \(plan.conditions.count) conditions.",
        remedy: "Run again; report this if it comes back.")
    }
    let intervals = plan.conditions.enumerated().map { index, condition in
      let measured = plan.measured(index)
      let goodput = result.goodput(from: measured.lowerBound, to: measured.upperBound) / 1e6
      let whole = result.goodput(from: Double(index * plan.intervalSeconds), to: measured.upperBound) / 1e6
      let (before, after) = (record.background[index], record.background[index + 1])
      return AdaptationRun.Interval(
        condition: condition, goodputMbps: goodput, wholeGoodputMbps: whole,
        share: goodput / condition.availableMbps,
        queueingDelayMeanMs: windows[index].queueingDelay.meanMilliseconds,
        dropped: windows[index].droppedSegments, lost: windows[index].lostSegments,
        backgroundReceived: after.received - before.received, backgroundSent: after.sent - before.sent,
        fellBehind: windows[index].fellBehind, recoverySeconds: nil)
    }
    return AdaptationRun(
      scheme: scheme, repetition: repetition, intervals: intervals, activations: record.activations,
      // iperf3 ends with a piece of an interval, whose rate says little.
      goodput: flow.received.filter { $0.end - $0.start > 0.25 }
        .map { TimedValue($0.end, $0.bitsPerSecond / 1e6) })
  }
}
