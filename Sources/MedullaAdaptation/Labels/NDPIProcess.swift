import Foundation
import MedullaBase
import MedullaFlows
import MedullaFrames
import MedullaLabels
import MedullaLearning

/// What the process of an `ndpi` agent does: it reads the packets that it is handed, shows them to nDPI, and
/// answers about their flows.
///
/// It is started by `ProcessLabelingAgent`, without any right: the socket was opened for it.
package enum NDPIProcess {
  /// Keys of the greeting's `options`.
  enum Option {
    static let map = "map"
    static let interface = "interface"
    static let patience = "patience"
    static let guessesByPort = "guess_by_port"
  }

  /// Serves until the other side closes.
  ///
  /// - Throws: `AdapterFailure` when it was not started as an agent's process is, `FrameError` when the other
  ///   side breaks the protocol.
  package static func serve(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    func descriptor(_ name: String) throws(AdapterFailure) -> Int32 {
      if let number = environment[name].flatMap(Int32.init), number >= 0 { return number }
      throw AdapterFailure(
        .badRequest, "\(name) names no descriptor",
        remedy: "It is the daemon that starts this program (docs/use/labels.md, \"nDPI\").")
    }
    let channel = try descriptor(AdapterChild.channelVariable)
    let packets = try descriptor(AdapterChild.packetsVariable)
    try LabelServer(DescriptorChannel(input: channel, output: channel)) { greeting in
      try agent(greeting, packets: packets)
    }.serve()
  }

  private static func agent(
    _ greeting: LabelServer.Greeting, packets: Int32
  ) throws -> any LabelingAgent {
    let options = greeting.options
    guard let path = options[Option.map]?.text, let interface = options[Option.interface]?.text else {
      throw AdapterFailure(.badRequest, "the greeting's options name no map or no interface")
    }
    let map = try NDPIMap.read(path, schema: greeting.schema)
    var limits = InspectionLimits()
    limits.guessesByPort = options[Option.guessesByPort] == .flag(true)
    let flows = try NDPIFlows(limits)
    let patience = Duration.seconds(options[Option.patience]?.number ?? 0)
    let agent = try NDPIAgent(flows, map: map, patience: patience)
    let tap = PacketTap(try PacketSocket(owning: packets, of: interface), into: flows)
    return LiveNDPIAgent(agent, seeing: tap) { Narration.tell($0) }
  }
}
