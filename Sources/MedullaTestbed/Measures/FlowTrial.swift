/// TCP flows over a new emulated link, with one scheme, and everything that is measured of them.
public struct FlowTrial: Sendable {
  public var link: LinkConfiguration
  public var flows: Int
  public var seconds: Int
  /// Seconds at the start that do not count.
  public var warmUp: Int
  /// UDP beside the flows.
  public var background: BackgroundTraffic.Pattern
  /// `net.ipv4.tcp_ecn` of both ends: 1 where every connection asks for ECN; else the kernel's own 2, with
  /// which it is granted and nobody asks. DCTCP asks always.
  public var asksForECN = false
  /// Seconds between two values of goodput.
  public var interval = 0.1
  /// Where the programs at the two ends are kept.
  public var senderProcessor: Int?
  public var receiverProcessor: Int?
  /// Where the emulator is kept; nil: with the receiver.
  public var emulatorProcessor: Int?

  public init(
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
  public struct Outcome {
    public var measures: FlowMeasures
    public var transfer: TransferResult
    public var report: LinkReport
    /// When the background's pattern began, in seconds of the transfer; nil without one.
    public var backgroundBegan: Double?
    /// nil for other schemes.
    public var dctcp: DCTCP.Statistics?
  }

  /// Runs the flows. `meanwhile` is called when the measuring begins; what it does has to end by itself
  /// before the flows do.
  public func run(
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
public struct FlowMeasures: ExperimentRun, Equatable {
  public var scheme: SteeringScheme
  /// Which of the repetitions it is.
  public var round = 0
  public var flows: Int
  public var seconds: Int
  public var warmUpSeconds: Int
  /// Payload that the receiving program read; of all flows, and of each.
  public var goodputMbps: Double
  public var flowMbps: [Double]
  /// Standard deviation of all flows' goodput from one tenth of a second to the next.
  public var deviationMbps: Double
  /// Jain's index of the flows' goodput.
  public var jain: Double
  public var rttMs: Percentiles
  /// Wait in the bottleneck's queue, over segments.
  public var queueMs: Percentiles
  /// From the transfer's start, warm-up included, to the end of the measured time.
  public var retransmits: Int
  /// Segments that the buffer refused, and that random loss took, background included.
  public var dropped: Int
  public var lost: Int
  public var processors: ProcessorMeter.Shares
  /// UDP beside the flows, as IP packets: what was to be sent, and what was; nil without any.
  public var backgroundWantedMbps: Double?
  public var backgroundSentMbps: Double?
  public var backgroundReceivedMbps: Double?
  /// nil for the kernel's own congestion controls.
  public var inference: Steering.Counts?
  /// Spoils a run.
  public var fellBehind: Bool
  public var deviceDrops: Int
  /// 2 when a first attempt was spoilt; its figures are not kept.
  public var attempts = 1

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

  public var line: String {
    let agent = inference?.processorShare.map { ", agent \(decimal($0 * 100, 1))%" } ?? ""
    return "\(scheme.description.padding(20)) \(flows) flows: \(decimal(goodputMbps, 1)) ± "
      + "\(decimal(deviationMbps, 1)) Mbit/s, queue \(decimal(queueMs.mean, 2)) ms mean "
      + "\(decimal(queueMs.p95, 2)) p95, \(retransmits) retransmitted, busy "
      + "\(decimal(processors.busy * 100, 0))%, softirq \(decimal(processors.softirq * 100, 1))%" + agent
      + (inference.map { ", \($0.inferences) inferences" } ?? "")
      + (backgroundSentMbps.map { ", UDP \(decimal($0, 0))" } ?? "")
      + (attempts > 1 ? ", second attempt" : "") + (fellBehind ? ", emulator fell behind" : "")
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

  /// Whether another attempt is worth it.
  var isSpoilt: Bool { fellBehind || wasNeverAsked || wasAlone }

  /// What makes the run unfit for a verdict.
  public var faults: [String] {
    (fellBehind ? ["\(scheme), \(flows) flows: the emulator fell behind"] : [])
      + (wasNeverAsked ? ["\(scheme), \(flows) flows: the network was never asked"] : [])
      + (wasAlone
        ? ["\(scheme), \(flows) flows: of the background, only \(decimal(backgroundSentMbps ?? 0, 0)) Mbit/s"]
        : [])
      + (deviceDrops > 0
        ? ["\(scheme), \(flows) flows: \(deviceDrops) packets dropped beside the emulated buffer"] : [])
  }
}

extension FlowTrial.Outcome {
  /// An outcome; when the machine was too busy for it to mean anything, another one in its place, once.
  static func steadied(_ measure: () throws -> Self) rethrows -> Self {
    let first = try measure()
    guard first.measures.isSpoilt else { return first }
    var second = try measure()
    second.measures.attempts = 2
    return second
  }
}
