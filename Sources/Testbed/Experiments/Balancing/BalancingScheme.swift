import TestbedLargeScale

/// How senders choose a flow's path, and what an answer costs.
package struct BalancingScheme: Codable, Equatable, Sendable {
  package enum Source: String, Codable, Sendable {
    /// ECMP: a hash of addresses and ports.
    case hash
    /// The path whose smoothed round trip is least: a rule that needs no network.
    case leastRoundTrip = "least-rtt"
    case predicted
  }

  /// Which network is asked.
  package enum Network: String, Codable, Sendable, CaseIterable {
    /// Trained in the fabric and under the load in which it is judged, and tuned on flows that it placed
    /// there.
    case adapted
    /// The same before it was tuned: it has seen flows on paths by chance only.
    case explored
    /// Trained in the even fabric under another load, and never tuned.
    case unadapted
    case untrained
  }

  package var name: String
  package var source: Source
  package var network = Network.adapted
  package var latencyNanoseconds = 0
  /// One answer of a host at a time, first in, first out; else any number at once.
  package var serial = false
  /// Whether a flow waits for its first answer; else it begins on the hash's path.
  package var holds = true
  /// Whether it asks again after a silence.
  package var flowlets = false
  /// An ablation: the network is told of the paths in an order of chance.
  package var shuffled = false

  package static let ecmp = BalancingScheme(name: "ecmp", source: .hash, holds: false)
  package static let leastRoundTrip = BalancingScheme(name: "least-rtt", source: .leastRoundTrip)

  /// Answers take as long as those of flow sizes do: the networks are of a size.
  private init(like other: SchedulingScheme) {
    self.init(
      name: other.name, source: .predicted, latencyNanoseconds: other.latencyNanoseconds, serial: other.serial
    )
  }

  private init(
    name: String, source: Source, latencyNanoseconds: Int = 0, serial: Bool = false, holds: Bool = true
  ) {
    (self.name, self.source, self.latencyNanoseconds) = (name, source, latencyNanoseconds)
    (self.serial, self.holds) = (serial, holds)
  }

  package static let kernel = BalancingScheme(like: .kernel)
  package static let ring = BalancingScheme(like: .ring)
  package static let char = BalancingScheme(like: .char)
  package static let netlink = BalancingScheme(like: .netlink)
  package static let engine = BalancingScheme(like: .engine)

  /// One server a host, asked again after each silence of a flow.
  package var atFlowlets: BalancingScheme {
    changed("flowlet") { ($0.flowlets, $0.serial) = (true, true) }
  }
  package var unadapted: BalancingScheme { changed("not-adapted") { $0.network = .unadapted } }
  package var exploring: BalancingScheme { changed("not-tuned") { $0.network = .explored } }
  package var untrained: BalancingScheme { changed("untrained") { $0.network = .untrained } }
  package var shuffling: BalancingScheme { changed("shuffled") { $0.shuffled = true } }

  private func changed(_ suffix: String, _ change: (inout BalancingScheme) -> Void) -> BalancingScheme {
    var scheme = self
    scheme.name += "/\(suffix)"
    change(&scheme)
    return scheme
  }

  package static let all = [
    ecmp, kernel, ring, char, netlink, engine, kernel.atFlowlets, engine.atFlowlets, kernel.unadapted,
    kernel.exploring, kernel.untrained, kernel.shuffling, leastRoundTrip,
  ]

  /// The same with the times that were measured on a machine.
  func timed(by times: AnswerTimes) -> BalancingScheme {
    var scheme = self
    if source == .predicted {
      scheme.latencyNanoseconds = times.nanoseconds(of: name) ?? latencyNanoseconds
    }
    return scheme
  }

  /// What the scenario's command line says.
  func options(_ plan: StudyPlan, fabric: BalancingFabric, fractionBits: Int) -> [String: String] {
    func flag(_ value: Bool) -> String { value ? "1" : "0" }
    return [
      "source": source.rawValue, "latency-ns": "\(latencyNanoseconds)", "serial": flag(serial),
      "hold": flag(holds), "shuffled": flag(shuffled),
      "flowlet-us": "\(flowlets ? plan[Balancing.flowletMicroseconds] : 0)",
      "margin": "\(PathCost.margin(fractionBits: fractionBits))",
      "queue": "\(plan[Scheduling.serverQueue])",
      "hosts": "\(plan[Balancing.hosts])", "leaves": "\(plan[Scheduling.leaves])",
      "spines": "\(plan[Scheduling.spines])", "bands": "1",
      "host-rate": "\(FabricWorkload().hostGbps)Gbps", "fabric-rate": "\(plan[Balancing.fabricGbps])Gbps",
      "last-spine-rate": "\(fabric.lastSpineShare * plan[Balancing.fabricGbps])Gbps",
      "delay": "\(plan[Scheduling.linkMicroseconds])us", "mtu": "\(plan[Scheduling.packetBytes])",
      "mark-bytes": "\(plan[Scheduling.markBytes])", "buffer-bytes": "\(plan[Scheduling.bufferBytes])",
      "host-buffer-bytes": "\(plan[Scheduling.hostBufferBytes])",
      "patience-ms": "\(plan[Scheduling.patience])",
    ]
  }
}

/// Whether all spines are alike.
enum BalancingFabric: String, CaseIterable {
  case even
  /// The last spine's links have half the others' rate, of which nobody tells the hosts.
  case uneven

  var lastSpineShare: Double { self == .even ? 1 : 0.5 }

  /// Who is compared there: everyone in the paper's fabric, and in the other what can tell its paths apart.
  var schemes: [BalancingScheme] {
    switch self {
    case .even: BalancingScheme.all.filter { $0 != .kernel.exploring }
    case .uneven: [.ecmp, .kernel, .kernel.unadapted, .kernel.exploring, .kernel.shuffling, .leastRoundTrip]
    }
  }
}
