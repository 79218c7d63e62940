import TestbedBaselines
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// TCP flows over a new emulated link, with one scheme, and everything that is measured of them.
package struct FlowTrial: Sendable {
  package var link: LinkConfiguration
  package var flows: Int
  package var seconds: Int
  /// Seconds at the start that do not count.
  package var warmUp: Int
  /// UDP beside the flows.
  package var background: BackgroundTraffic.Pattern
  /// `net.ipv4.tcp_ecn` of both ends: 1 where every connection asks for ECN; else the kernel's own 2, with
  /// which it is granted and nobody asks. DCTCP asks always.
  package var asksForECN = false
  /// Seconds between two values of goodput.
  package var interval = 0.1
  /// Where the programs at the two ends are kept.
  package var senderProcessor: Int?
  package var receiverProcessor: Int?
  /// Where the emulator is kept; nil: with the receiver.
  package var emulatorProcessor: Int?

  package init(
    link: LinkConfiguration, flows: Int = 1, seconds: Int, warmUp: Int,
    background: BackgroundTraffic.Pattern = .none
  ) {
    self.link = link
    self.flows = flows
    self.seconds = seconds
    self.warmUp = warmUp
    self.background = background
  }

  /// What one trial gave: the figures, and the series that some experiments want.
  package struct Outcome {
    package var measures: FlowMeasures
    package var transfer: TransferResult
    package var report: LinkReport
    /// When the background's pattern began, in seconds of the transfer; nil without one.
    package var backgroundBegan: Double?
    /// nil for other schemes.
    package var dctcp: DCTCP.Statistics?
  }

  /// Runs the flows. `meanwhile` is called when the measuring begins; what it does has to end by itself
  /// before the flows do.
  package func run(
    _ steering: Steering, prefix: String, executable: String = LinkEmulator.ownExecutable,
    meanwhile: (Steering) throws -> Void = { _ in }
  ) throws -> Outcome {
    try steering.start(prefix: prefix)
    defer { steering.stop() }
    return try LinkEmulator.with(link, executable: executable) { emulator in
      for end in [emulator.client, emulator.server] {
        try end.set(["net.ipv4.tcp_ecn=\(asksForECN ? 1 : 2)"])
      }
      try steering.prepare(emulator)
      var plan = Transfer.Plan(
        congestion: steering.congestion, flows: flows, seconds: seconds + 1, interval: interval)
      (plan.senderProcessor, plan.receiverProcessor) = (senderProcessor, receiverProcessor)
      try pin(emulator)
      let udp = background.bitsPerSecond > 0 ? try BackgroundTraffic(over: emulator) : nil
      defer { udp?.stop() }
      let followed = udp?.follow(background)
      let transfer = try Transfer(plan, over: emulator)
      defer { transfer.end() }
      try Interruption.sleep(.seconds(warmUp))
      try emulator.beginWindow()
      try steering.beginWindow()
      let before = udp?.read()
      let meter = try ProcessorMeter([
        "emulator": emulator.workerIdentifier, "sender": transfer.clientIdentifier,
        "receiver": transfer.serverIdentifier,
      ])
      let begin = ContinuousClock.now
      try meanwhile(steering)
      try Interruption.sleep(.seconds(seconds - warmUp) - (ContinuousClock.now - begin))
      let shares = try meter.read()
      try emulator.beginWindow()
      let counts = steering.stop()
      let after = udp?.stop()
      let result = try transfer.finish()
      let drops = try emulator.deviceDrops()
      let report = try emulator.stop()
      var measures = try FlowMeasures(
        self, steering.scheme, result, report, shares: shares, inference: counts, deviceDrops: drops)
      if let before, let after {
        let bits = Double(BackgroundTraffic.packetBytes * 8) / Double(max(seconds - warmUp, 1))
        let began = Double(followed ?? 0) / 1e9 - Double(transfer.startNanoseconds) / 1e9
        let duty = background.duty(from: Double(warmUp) - began, to: Double(seconds) - began)
        measures.backgroundWantedMbps = background.bitsPerSecond * duty / 1e6
        measures.backgroundSentMbps = Double(after.sent - before.sent) * bits / 1e6
        measures.backgroundReceivedMbps = Double(after.received - before.received) * bits / 1e6
      }
      return Outcome(
        measures: measures, transfer: result, report: report,
        backgroundBegan: followed.map { (Double($0) - Double(transfer.startNanoseconds)) / 1e9 },
        dctcp: steering.dctcpStatistics)
    }
  }
}

extension FlowTrial {
  /// Keeps the emulator to its processor, and what arrives at each end to that end's: a processor is a
  /// machine of its own then.
  private func pin(_ emulator: LinkEmulator) throws {
    if let processor = emulatorProcessor ?? receiverProcessor {
      try ChildProcess.run(["taskset", "-a", "-c", "-p", "\(processor)", "\(emulator.workerIdentifier)"])
    }
    for (end, processor) in [(emulator.client, senderProcessor), (emulator.server, receiverProcessor)] {
      guard let processor, processor < 32 else { continue }
      let mask = String(1 << processor, radix: 16)
      let file = "/sys/class/net/\(LinkEmulator.device)/queues/rx-0/rps_cpus"
      try ChildProcess.run(["ip", "netns", "exec", end.name, "sh", "-c", "echo \(mask) > \(file)"])
    }
  }
}

/// What flows of one scheme achieved after the warm-up.
package struct FlowMeasures: Equatable, Sendable {
  package var scheme: SteeringScheme
  package var flows: Int
  package var seconds: Int
  package var warmUpSeconds: Int
  /// Payload that the receiving program read; of all flows, and of each.
  package var goodputMbps: Double
  package var flowMbps: [Double]
  /// Standard deviation of all flows' goodput from one tenth of a second to the next.
  package var deviationMbps: Double
  /// Jain's index of the flows' goodput.
  package var jain: Double
  package var rttMs: Percentiles
  /// Wait in the bottleneck's queue, over segments.
  package var queueMs: Percentiles
  /// From the transfer's start, warm-up included, to the end of the measured time.
  package var retransmits: Int
  /// Segments that the buffer refused, and that random loss took, background included.
  package var dropped: Int
  package var lost: Int
  package var processors: ProcessorMeter.Shares
  /// UDP beside the flows, as IP packets: what was to be sent, and what was; nil without any.
  package var backgroundWantedMbps: Double?
  package var backgroundSentMbps: Double?
  package var backgroundReceivedMbps: Double?
  /// nil for the kernel's own congestion controls.
  package var inference: Steering.Counts?
  /// Spoils a run.
  package var fellBehind: Bool
  package var deviceDrops: Int

  init(
    _ trial: FlowTrial, _ scheme: SteeringScheme, _ result: TransferResult, _ report: LinkReport,
    shares: ProcessorMeter.Shares, inference: Steering.Counts?, deviceDrops: Int
  ) throws {
    guard report.forward.windows.count == 3 else {
      throw TestbedError(
        .linkFailed, "The link recorded \(report.forward.windows.count) windows instead of 3.",
        remedy: "Run again; report this if it comes back.")
    }
    let window = report.forward.windows[1]
    let (start, end) = (Double(trial.warmUp), Double(trial.seconds))
    self.scheme = scheme
    flows = trial.flows
    seconds = trial.seconds
    warmUpSeconds = trial.warmUp
    flowMbps = result.flows.map { $0.goodput(from: start, to: end) / 1e6 }
    goodputMbps = flowMbps.reduce(0, +)
    deviationMbps = Statistics.deviation(result.goodputSeries(from: start, to: end, every: trial.interval))
    jain = Statistics.jain(flowMbps)
    rttMs = Percentiles(result.roundTrips(from: start))
    queueMs = Percentiles(window.queueingDelay)
    retransmits = result.retransmits(until: end + trial.interval / 2)
    dropped = window.droppedSegments
    lost = window.lostSegments
    processors = shares
    self.inference = inference
    fellBehind = window.fellBehind
    self.deviceDrops = deviceDrops
  }

  /// Flows whose sender gets too little of its processor are limited by the application, and may never leave
  /// the controller's start.
  var wasNeverAsked: Bool { inference?.inferences == 0 }

  /// A background that gets too little of its processor leaves the link to the flow.
  var wasAlone: Bool {
    guard let wanted = backgroundWantedMbps, let sent = backgroundSentMbps else { return false }
    return sent < wanted * Self.leastBackground
  }

  private static let leastBackground = 0.95

  /// What makes the run unfit for a verdict.
  package var faults: [String] {
    (fellBehind ? ["the emulator fell behind"] : [])
      + (wasNeverAsked ? ["the network was never asked"] : [])
      + (wasAlone ? ["of the background, only \(decimal(backgroundSentMbps ?? 0, 0)) Mbit/s"] : [])
      + (deviceDrops > 0 ? ["\(deviceDrops) packets dropped beside the emulated buffer"] : [])
  }
}
