import TestbedLink

/// One case of the study `hard-paths`: a path, who crosses it, for how long, and what is a share of what.
struct HardPath: Sendable {
  /// Who crosses it.
  enum Traffic: Equatable, Sendable {
    /// One flow all the time.
    case alone
    /// One flow; after some seconds the round trip is another.
    case step(after: Double, rttMs: Double)
    /// Flows that join one after another, each so many seconds after the one before.
    case joining(Int, every: Double)
    /// One flow at the path's round trip, and one at a longer one: that of the port that travels longer.
    case nearAndFar
    /// So many flows at once.
    case many(Int)
  }

  /// The seconds of one run; shorter ones than the case's have all its times shortened alike.
  struct Times: Equatable, Sendable {
    var seconds: Int
    var warmUp: Int
    /// Of the case's own times.
    var scale: Double
  }

  let name: String
  var traffic = Traffic.alone
  var seconds = 40
  var warmUp = 10
  /// Every connection asks for ECN.
  var asksForECN = false
  /// What goodput is told as a share of; nil: what the trace could deliver.
  var capacityMbps: Double?
  /// The link of a run of so many seconds, with draws of its own.
  var link: @Sendable (_ seconds: Int, _ seed: UInt64) throws -> LinkConfiguration

  /// - Parameter asked: the seconds of a run; 0: the case's own.
  func times(_ asked: Int) -> Times {
    let scale = asked > 0 ? Double(asked) / Double(seconds) : 1
    let all = asked > 0 ? asked : seconds
    return Times(seconds: all, warmUp: max(1, Int(Double(warmUp) * scale)), scale: scale)
  }

  static func named(_ name: String) -> HardPath? { all.first { $0.name == name } }
}

extension HardPath {
  private static let mbps = 48.0
  private static let rttMs = 40.0
  /// Bytes of the payload of full packets in what a rate carries.
  private static let payload = LinkCell.payloadBytes / LinkCell.packetBytes

  /// 48 Mbit/s, 40 ms and a buffer of one bandwidth-delay product, with a difficulty.
  private static func usual(
    _ name: String, bufferBdp: Double = 1, seconds: Int = 40, asksForECN: Bool = false,
    traffic: Traffic = .alone, _ difficulty: @escaping @Sendable (inout LinkConfiguration) -> Void = { _ in }
  ) -> HardPath {
    let cell = LinkCell(rateMbps: mbps, rttMilliseconds: rttMs, bufferBdp: bufferBdp)
    return HardPath(
      name: name, traffic: traffic, seconds: seconds, asksForECN: asksForECN, capacityMbps: cell.capacityMbps
    ) { _, seed in
      var link = cell.link(seed: seed)
      difficulty(&link)
      return link
    }
  }

  private static func lossy(_ name: String, _ share: Double) -> HardPath {
    usual(name) { $0.forward.lossProbability = share }
  }

  /// A round trip that grows, and a buffer in products of the new one.
  private static func step(
    _ name: String, mbps: Double, from rttMs: Double, to nextMs: Double, bufferBdp: Double
  ) -> HardPath {
    let buffer = LinkCell(rateMbps: mbps, rttMilliseconds: nextMs, bufferBdp: bufferBdp).bufferBytes
    return HardPath(
      name: name, traffic: .step(after: 20, rttMs: nextMs), seconds: 60, capacityMbps: mbps * payload
    ) { _, seed in .path(mbps: mbps, rttMs: rttMs, bufferBytes: buffer, seed: seed) }
  }

  private static func fast(_ name: String, mbps: Double) -> HardPath {
    let cell = LinkCell(rateMbps: mbps, rttMilliseconds: 10, bufferBdp: 1)
    return HardPath(name: name, capacityMbps: cell.capacityMbps) { _, seed in cell.link(seed: seed) }
  }

  /// A policer's rate is judged as people are sold it: its headers are not taken off.
  private static let policed = HardPath(name: "policer", capacityMbps: 10) { _, seed in
    var link = LinkCell(rateMbps: 100, rttMilliseconds: rttMs, bufferBdp: 1).link(seed: seed)
    link.forward.policer = Policing(bitsPerSecond: 10e6, burstBytes: 30_000)
    return link
  }

  /// A fiftieth of the rate, with the buffer that `medulla link` gives: 32 packets.
  private static let slowReturn = usual("slow-return") { link in
    link.backward.bitsPerSecond = mbps * 1e6 / 50
    link.backward.bufferBytes = 32 * Int(LinkCell.packetBytes)
  }

  /// Mean loss 1% in bursts of eight on average: p/(p + r) = 0.01 and 1/r = 8.
  static let bursts = BurstLoss(toBad: 0.01 / 0.99 / 8, toGood: 1 / 8.0)

  /// The port of the flow that is farther away.
  static let farPort = 5202

  /// 10 and 100 ms.
  private static let unequal = HardPath(
    name: "rtt-fairness", traffic: .nearAndFar, seconds: 60, capacityMbps: mbps * payload
  ) { _, seed in
    let buffer = LinkCell(rateMbps: mbps, rttMilliseconds: rttMs, bufferBdp: 1).bufferBytes
    var link = LinkConfiguration.path(mbps: mbps, rttMs: 10, bufferBytes: buffer, seed: seed)
    let delay = PortDelay(port: farPort, extraNanoseconds: 45_000_000)
    (link.forward.portDelay, link.backward.portDelay) = (delay, delay)
    return link
  }

  /// A thousand flows, and a buffer of one second of the rate, as access links were found to have (Kreibich
  /// and others, "Netalyzr: Illuminating the Edge Network", IMC 2010). A flow's equal part is 0.83 packets a
  /// second; path and buffer hold 866, fewer than one of each flow.
  private static let crowd = HardPath(
    name: "many-flows", traffic: .many(1000), seconds: 120, warmUp: 60, capacityMbps: 10 * payload
  ) { _, seed in .path(mbps: 10, rttMs: rttMs, bufferBytes: 1_250_000, seed: seed) }

  /// The buffer is a second of the model's middle rate, 6 Mbit/s.
  private static let cellular = HardPath(name: "cellular", seconds: 60) { seconds, seed in
    .path(
      mbps: nil, rttMs: rttMs, bufferBytes: 750_000,
      trace: try CellularTrace.trace(seconds: seconds + 2, seed: seed), seed: seed)
  }

  /// In the order in which they are told.
  static let all: [HardPath] = [
    usual("alone"), step("step-rtt", mbps: mbps, from: 20, to: 80, bufferBdp: 2),
    step("step-rtt-short", mbps: 12, from: 4, to: 80, bufferBdp: 1), policed,
    usual("aggregation") { $0.backward.aggregationNanoseconds = 10_000_000 }, slowReturn,
    lossy("loss-0.1", 0.001), lossy("loss-1", 0.01), lossy("loss-5", 0.05),
    usual("burst-loss") { $0.forward.burstLoss = bursts },
    usual("reordering") { $0.forward.reordering = Reordering(share: 0.01, extraNanoseconds: 5_000_000) },
    usual("duplicates") { $0.forward.duplicateProbability = 0.01 },
    usual("joining", seconds: 25, traffic: .joining(5, every: 5)), unequal, crowd,
    // Room above the disciplines' own targets, so that they act before the buffer is full.
    usual("codel", bufferBdp: 4, asksForECN: true) { $0.forward.queue = .codel },
    usual("pie", bufferBdp: 4, asksForECN: true) { $0.forward.queue = .pie }, cellular,
    fast("gigabit", mbps: 1000), fast("two-gigabit", mbps: 2000),
  ]
}
