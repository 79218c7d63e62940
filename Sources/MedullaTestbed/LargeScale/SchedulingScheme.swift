/// How senders come by the priorities of their packets, and what an answer costs.
public struct SchedulingScheme: Codable, Equatable, Sendable {
  public enum Source: String, Codable, Sendable {
    /// Plain DCTCP in one band.
    case none
    /// The true size: what no sender knows.
    case trueSize = "true-size"
    case predicted
  }

  /// What happens to a flow's data before the first answer.
  public enum Unanswered: String, Codable, Sendable {
    /// They wait, as they do where the packet's own path infers.
    case wait
    /// They leave in the band of the shortest flows, or of the longest, and what follows has the answer's.
    case first
    case last
  }

  public var name: String
  public var source: Source
  public var latencyNanoseconds = 0
  /// One answer of a host at a time, first in, first out; else any number at once.
  public var serial = false
  public var unanswered = Unanswered.wait
  /// A question with every packet instead of one a flow.
  public var everyPacket = false

  public static let off = SchedulingScheme(name: "off", source: .none)
  public static let ideal = SchedulingScheme(name: "ideal", source: .trueSize)

  /// In the kernel: 0.2 µs by test run, 0.4 to 0.7 µs live with cold caches.
  public static let kernel = SchedulingScheme(
    name: "kernel", source: .predicted, latencyNanoseconds: 400, serial: true)

  /// The measured round trips to user space on one core: a ring buffer with an eventfd, a pipe (in place of a
  /// character device) and netlink.
  public static let ring = SchedulingScheme(name: "ring", source: .predicted, latencyNanoseconds: 3_800)
  public static let char = SchedulingScheme(name: "char", source: .predicted, latencyNanoseconds: 4_200)
  public static let netlink = SchedulingScheme(
    name: "netlink", source: .predicted, latencyNanoseconds: 6_300)

  /// An inference engine as people use it, in one process: 50 µs.
  public static let engine = SchedulingScheme(
    name: "engine", source: .predicted, latencyNanoseconds: 50_000, serial: true)

  /// One server a host, asked with every packet.
  public var contended: SchedulingScheme {
    var scheme = self
    scheme.name += "/packet"
    scheme.serial = true
    scheme.everyPacket = true
    return scheme
  }

  /// The flow does not wait for its answer.
  public func leaving(_ band: Unanswered) -> SchedulingScheme {
    var scheme = self
    scheme.name += "/\(band.rawValue)"
    scheme.unanswered = band
    return scheme
  }

  public static let all = [
    off, ideal, kernel, ring, char, netlink, engine, char.leaving(.first), char.leaving(.last),
    kernel.contended, netlink.contended, engine.contended,
  ]

  /// What the scenario's command line says.
  func options(_ plan: SchedulingPlan, fractionBits: Int) -> [String: String] {
    func flag(_ value: Bool) -> String { value ? "1" : "0" }
    let outputs = plan.bands.outputs(fractionBits: fractionBits)
    return [
      "source": source.rawValue, "latency-ns": "\(latencyNanoseconds)", "serial": flag(serial),
      "hold": flag(unanswered == .wait), "every-packet": flag(everyPacket),
      "bands": "\(plan.bands.count)", "bounds": outputs.map(String.init).joined(separator: ","),
      "untagged-band": "\(unanswered == .last ? plan.bands.count - 1 : 0)", "queue": "\(plan.serverQueue)",
      "hosts": "\(plan.workload.hosts)", "leaves": "\(plan.leaves)", "spines": "\(plan.spines)",
      "host-rate": "\(plan.workload.hostGbps)Gbps", "fabric-rate": "\(plan.fabricGbps)Gbps",
      "delay": "\(plan.linkMicroseconds)us", "mtu": "\(plan.packetBytes)",
      "mark-bytes": "\(plan.markBytes)", "buffer-bytes": "\(plan.bufferBytes)",
      "host-buffer-bytes": "\(plan.hostBufferBytes)",
      "patience-ms": "\(plan.patienceMilliseconds)",
    ]
  }
}
