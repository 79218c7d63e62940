import TestbedLargeScale

/// How senders come by the priorities of their packets, and what an answer costs.
package struct SchedulingScheme: Codable, Equatable, Sendable {
  package enum Source: String, Codable, Sendable {
    /// Plain DCTCP in one band.
    case none
    /// The true size: what no sender knows.
    case trueSize = "true-size"
    case predicted
  }

  /// What happens to a flow's data before the first answer.
  package enum Unanswered: String, Codable, Sendable {
    /// They wait, as they do where the packet's own path infers.
    case wait
    /// They leave in the band of the shortest flows, or of the longest, and what follows has the answer's.
    case first
    case last
  }

  package var name: String
  package var source: Source
  /// An ablation: the network learned from other applications' flows and was never trained anew.
  package var isFrozen = false
  package var latencyNanoseconds = 0
  /// One answer of a host at a time, first in, first out; else any number at once.
  package var serial = false
  package var unanswered = Unanswered.wait
  /// A question with every packet instead of one a flow.
  package var everyPacket = false

  package static let off = SchedulingScheme(name: "off", source: .none)
  package static let ideal = SchedulingScheme(name: "ideal", source: .trueSize)

  /// Times of these are the stated ones until `timed` gives them a machine's own.
  package static let kernel = answering("kernel", serial: true)

  /// Round trips to user space on one core: a ring buffer with an eventfd, a pipe (in place of a character
  /// device) and netlink.
  package static let ring = answering("ring")
  package static let char = answering("char")
  package static let netlink = answering("netlink")

  private static func answering(_ name: String, serial: Bool = false) -> SchedulingScheme {
    SchedulingScheme(
      name: name, source: .predicted, latencyNanoseconds: AnswerTimes.stated.nanoseconds(of: name) ?? 0,
      serial: serial)
  }

  /// An inference engine as people use it, in one process: 50 µs.
  package static let engine = SchedulingScheme(
    name: "engine", source: .predicted, latencyNanoseconds: 50_000, serial: true)

  /// One server a host, asked with every packet.
  package var contended: SchedulingScheme {
    var scheme = self
    scheme.name += "/packet"
    scheme.serial = true
    scheme.everyPacket = true
    return scheme
  }

  /// The flow does not wait for its answer.
  package func leaving(_ band: Unanswered) -> SchedulingScheme {
    var scheme = self
    scheme.name += "/\(band.rawValue)"
    scheme.unanswered = band
    return scheme
  }

  package var frozen: SchedulingScheme {
    var scheme = self
    scheme.name += "/not-adapted"
    scheme.isFrozen = true
    return scheme
  }

  /// The same with the times that were measured on a machine.
  func timed(by times: AnswerTimes) -> SchedulingScheme {
    var scheme = self
    scheme.latencyNanoseconds = times.nanoseconds(of: name) ?? latencyNanoseconds
    return scheme
  }

  package static let all = [
    off, ideal, kernel, kernel.frozen, ring, char, netlink, engine, char.leaving(.first), char.leaving(.last),
    kernel.contended, netlink.contended, engine.contended,
  ]

  /// What the scenario's command line says.
  func options(_ plan: StudyPlan, _ bands: FlowBands, fractionBits: Int) -> [String: String] {
    func flag(_ value: Bool) -> String { value ? "1" : "0" }
    let outputs = bands.outputs(fractionBits: fractionBits)
    return [
      "source": source.rawValue, "latency-ns": "\(latencyNanoseconds)", "serial": flag(serial),
      "hold": flag(unanswered == .wait), "every-packet": flag(everyPacket),
      "bands": "\(bands.count)", "bounds": outputs.map(String.init).joined(separator: ","),
      "untagged-band": "\(unanswered == .last ? bands.count - 1 : 0)",
      "queue": "\(plan[Scheduling.serverQueue])",
      "hosts": "\(plan[Scheduling.hosts])", "leaves": "\(plan[Scheduling.leaves])",
      "spines": "\(plan[Scheduling.spines])",
      "host-rate": "\(FabricWorkload().hostGbps)Gbps", "fabric-rate": "\(plan[Scheduling.fabricGbps])Gbps",
      "delay": "\(plan[Scheduling.linkMicroseconds])us", "mtu": "\(plan[Scheduling.packetBytes])",
      "mark-bytes": "\(plan[Scheduling.markBytes])", "buffer-bytes": "\(plan[Scheduling.bufferBytes])",
      "host-buffer-bytes": "\(plan[Scheduling.hostBufferBytes])",
      "patience-ms": "\(plan[Scheduling.patience])",
    ]
  }
}
