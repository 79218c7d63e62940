import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// One run of a case of `hard-paths`.
struct HardPathTrial {
  static let share = Metric("share", "share of capacity")
  static let loss = Metric("loss_share", "share of segments lost", places: 4)
  static let recovery = Metric("recovery_s", "seconds until 90% of capacity", "s", places: 1)
  static let largestQueue = Metric("largest_queue_bdp", "largest queue after that", "BDP")
  static let leastJain = Metric("least_jain", "least Jain's index after a join")
  static let farShare = Metric("far_share", "longer's goodput over an equal part")
  static let goodputSeries = "goodput_mbps"

  /// Of the capacity, from which a flow has recovered.
  private static let recovered = 0.9
  /// Seconds between two values of goodput.
  private static let interval = 0.1

  let path: HardPath
  let times: HardPath.Times
  let link: LinkConfiguration
  let executable: String

  init(_ path: HardPath, asked seconds: Int, seed: UInt64, executable: String) throws {
    (self.path, self.executable) = (path, executable)
    times = path.times(seconds)
    link = try path.link(times.seconds, seed)
  }

  func run(_ scheme: SteeringScheme, _ series: TrialSeries) throws -> Reading {
    guard path.traffic != .alone else { return try alone(scheme, series) }
    return try series.steer(scheme) { steering in
      try LinkEmulator.with(link, executable: executable) { emulator in
        try steering.prepare(emulator)
        switch path.traffic {
        case .alone: return Reading()
        case .step(let after, let rttMs): return try step(steering, emulator, after * times.scale, rttMs)
        case .joining(let count, let every):
          return try joining(steering, emulator, count, every * times.scale)
        case .nearAndFar: return try nearAndFar(steering, emulator)
        case .many(let count): return try many(steering, emulator, count)
        }
      }
    }
  }

  private func alone(_ scheme: SteeringScheme, _ series: TrialSeries) throws -> Reading {
    var trial = FlowTrial(link: link, seconds: times.seconds, warmUp: times.warmUp)
    trial.asksForECN = path.asksForECN
    let outcome = try series.run(scheme, trial)
    let path = outcome.report.forward
    let (window, origin) = (try path.measured(), path.windows[0].startNanoseconds)
    let drawn = link.forward.trace?.capacityMbps(
      from: Double(window.startNanoseconds - origin) / 1e9, to: Double(window.endNanoseconds - origin) / 1e9)
    var reading = outcome.reading
    reading[FlowMetrics.jain] = nil
    reading[Self.share] = share(reading[FlowMetrics.goodput] ?? 0, of: self.path.capacityMbps ?? drawn)
    reading[Self.loss] = Self.lost(window)
    return reading
  }

  private func share(_ goodput: Double, of capacity: Double?) -> Double {
    capacity.map { $0 > 0 ? goodput / $0 : 0 } ?? 0
  }

  /// Of the segments that came, those that did not get through: for a policer, a full buffer or by chance.
  static func lost(_ window: PathWindow) -> Double {
    let gone = window.droppedSegments + window.lostSegments + window.policedSegments
    return Double(gone) / Double(max(window.arrivedSegments, 1))
  }

  private func transfer(
    _ steering: Steering, _ link: LinkEmulator, seconds: Double, port: Int = Iperf3.port
  ) throws -> Transfer {
    try Transfer(
      .init(
        congestion: steering.congestion, seconds: Int(seconds.rounded(.up)) + 1, interval: Self.interval,
        port: port), over: link)
  }

  /// Goodput, the queue and what spoils a run, of one window.
  private func reading(
    _ goodput: [Double], _ windows: [PathWindow], drops: Int, _ counts: Steering.Counts?
  ) -> Reading {
    let sum = goodput.reduce(0, +)
    var reading = Reading([
      FlowMetrics.goodput: sum, Self.share: share(sum, of: path.capacityMbps),
      FlowMetrics.inferences: counts.map { Double($0.inferences) },
    ])
    if windows.contains(where: \.fellBehind) { reading.faults.append(Reading.late) }
    if counts?.inferences == 0 { reading.faults.append("the network was never asked") }
    reading.noteDrops(besideTheBuffer: drops)
    guard let window = windows.last else { return reading }
    reading[FlowMetrics.dropped] = Double(window.droppedSegments)
    reading[Self.loss] = Self.lost(window)
    reading.note(Percentiles(window.queueingDelay), FlowMetrics.queue)
    return reading
  }
}

// MARK: - A round trip that changes

extension HardPathTrial {
  private func step(
    _ steering: Steering, _ link: LinkEmulator, _ after: Double, _ rttMs: Double
  ) throws -> Reading {
    let clock = RunClock()
    let transfer = try transfer(steering, link, seconds: Double(times.seconds))
    defer { transfer.end() }
    try steering.beginWindow()
    try clock.sleep(until: after)
    var next = link.configuration
    next.forward.delayNanoseconds = UInt64(rttMs * 1e6 / 2)
    next.backward.delayNanoseconds = next.forward.delayNanoseconds
    try link.change(next)
    let changed = MonotonicClock.nanoseconds
    try clock.sleep(until: Double(times.seconds))
    try link.beginWindow()
    let counts = steering.stop()
    let result = try transfer.finish()
    let drops = try link.deviceDrops()
    let path = try link.stop().forward
    guard path.windows.count == 3 else { throw Self.unusable(path) }

    let (begin, end) = (transfer.seconds(at: changed), Double(times.seconds))
    let each = result.goodputSeries(from: begin, to: end, every: 1)
    let recovery = recovery(each, within: end - begin)
    let last = result.goodput(from: begin + (end - begin) / 2, to: end) / 1e6
    var reading = reading([last], Array(path.windows.prefix(2)), drops: drops, counts)
    reading[Self.recovery] = recovery
    let product = next.forward.bandwidthDelayBytes(roundTripNanoseconds: UInt64(rttMs * 1e6)) ?? 1
    // Where it never recovers, the queue is that of all the time after the step.
    let settled = recovery < end - begin ? recovery : 0
    let largest = path.largestQueue(
      from: changed + UInt64(settled * 1e9), to: path.windows[1].endNanoseconds)
    reading[Self.largestQueue] = Double(largest) / Double(max(product, 1))
    reading.series[Self.goodputSeries] = result.goodputSeries(from: 0, to: end, every: 1)
    return reading
  }

  /// Seconds after a change until the first whole second with so much of the capacity has ended, by goodput
  /// in each; all that there were where it never came.
  func recovery(_ goodput: [Double], within seconds: Double) -> Double {
    let wanted = Self.recovered * (path.capacityMbps ?? 0)
    return goodput.firstIndex { $0 >= wanted }.map { Double($0 + 1) } ?? seconds
  }

  private static func unusable(_ path: PathReport) -> TestbedError {
    TestbedError(
      .linkFailed, "The link recorded \(path.windows.count) windows, which are not those of this run.",
      remedy: "Run again; report this if it comes back.")
  }
}

extension PathReport {
  /// The longest queue between two times of the monotonic clock; where no bin lies between them, of the last
  /// bin.
  func largestQueue(from start: UInt64, to end: UInt64) -> Int {
    let width = max(bins.binNanoseconds, 1)
    let count = bins.queueBytesMaximum.count
    guard count > 0, let origin = windows.first?.startNanoseconds, end > origin else { return 0 }
    let last = min(Int((end - origin) / width), count)
    let first = start > origin ? min(Int((start - origin + width - 1) / width), max(last - 1, 0)) : 0
    return bins.queueBytesMaximum[first..<max(last, first + 1)].max() ?? 0
  }
}

// MARK: - Several flows

extension HardPathTrial {
  /// The last fifth of the time to the next flow: with one each 5 s, the fifth second after a join.
  private static let settled = 0.8

  private func joining(
    _ steering: Steering, _ link: LinkEmulator, _ count: Int, _ every: Double
  ) throws -> Reading {
    let clock = RunClock()
    var transfers: [Transfer] = []
    defer { for transfer in transfers { transfer.end() } }
    try steering.beginWindow()
    for index in 0..<count {
      try clock.sleep(until: Double(index) * every)
      transfers.append(
        try transfer(
          steering, link, seconds: Double(count - index) * every, port: Iperf3.port + index))
    }
    let last = (transfers.last?.startNanoseconds ?? 0) + UInt64(every * 1e9)
    try clock.sleep(until: Double(count) * every + 0.2)
    try link.beginWindow()
    let counts = steering.stop()
    let results = try transfers.map { try $0.finish() }
    let drops = try link.deviceDrops()
    let window = try link.stop().forward.windows[0]
    let joins = transfers.map(\.startNanoseconds)
    let goodput = joins.indices.map { join -> [Double] in
      let start = joins[join] + UInt64(Self.settled * every * 1e9)
      let next = join + 1 < joins.count ? joins[join + 1] : last
      let end = min(joins[join] + UInt64(every * 1e9), next)
      return (0...join).map { flow in
        results[flow].goodput(
          from: transfers[flow].seconds(at: start), to: transfers[flow].seconds(at: end)) / 1e6
      }
    }
    var reading = reading(goodput.last ?? [], [window], drops: drops, counts)
    reading[Self.leastJain] = Self.least(goodput)
    return reading
  }

  /// The least Jain's index over the joins, by the goodput of the flows that were there; the first flow is
  /// alone and left out. Flows that got nothing are equal, and nothing to be content with.
  static func least(_ goodput: [[Double]]) -> Double {
    goodput.filter { $0.count > 1 }.map { $0.reduce(0, +) > 0 ? Statistics.jain($0) : 0 }.min() ?? 0
  }

  private func nearAndFar(_ steering: Steering, _ link: LinkEmulator) throws -> Reading {
    let clock = RunClock()
    var transfers: [Transfer] = []
    defer { for transfer in transfers { transfer.end() } }
    for port in [Iperf3.port, HardPath.farPort] {
      transfers.append(try transfer(steering, link, seconds: Double(times.seconds), port: port))
    }
    try clock.sleep(until: Double(times.warmUp))
    try link.beginWindow()
    try steering.beginWindow()
    try clock.sleep(until: Double(times.seconds))
    try link.beginWindow()
    let counts = steering.stop()
    let results = try transfers.map { try $0.finish() }
    let drops = try link.deviceDrops()
    let window = try link.stop().forward.measured()
    let goodput = results.map {
      $0.goodput(from: Double(times.warmUp), to: Double(times.seconds)) / 1e6
    }
    var reading = reading(goodput, [window], drops: drops, counts)
    reading[FlowMetrics.jain] = Statistics.jain(goodput)
    reading[Self.farShare] = share(goodput.last ?? 0, of: path.capacityMbps.map { $0 / 2 })
    return reading
  }

  private func many(_ steering: Steering, _ link: LinkEmulator, _ count: Int) throws -> Reading {
    let bulk = try BulkFlows(count: count, congestion: steering.congestion, over: link)
    defer { bulk.stop() }
    try Interruption.sleep(.seconds(times.warmUp))
    try link.beginWindow()
    try steering.beginWindow()
    let (before, begin) = (bulk.receivedBytes(), ContinuousClock.now)
    try Interruption.sleep(.seconds(times.seconds - times.warmUp))
    let (after, elapsed) = (bulk.receivedBytes(), (ContinuousClock.now - begin).inSeconds)
    try link.beginWindow()
    bulk.stop()
    let counts = steering.stop()
    let drops = try link.deviceDrops()
    let window = try link.stop().forward.measured()
    let rates = zip(before, after).map { Double($1 - $0) * 8 / elapsed / 1e6 }
    var reading = reading(rates, [window], drops: drops, counts)
    reading[FlowMetrics.jain] = rates.reduce(0, +) > 0 ? Statistics.jain(rates) : 0
    return reading
  }
}

/// Seconds since a run began.
private struct RunClock {
  private let begin = ContinuousClock.now

  func sleep(until seconds: Double) throws {
    try Interruption.sleep(.seconds(seconds) - (ContinuousClock.now - begin))
  }
}
