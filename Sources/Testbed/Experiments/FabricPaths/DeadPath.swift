import CMedullaABI
import Foundation
import MedullaBase
import MedullaDatapath
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// How long a host's flows stay on a path after the first evidence that nothing comes back: on a quiet
/// fabric, connections and datagrams go from one host to another leaf's, and what is sent over a spine begins
/// to be lost.
struct DeadPath {
  private static let warm: UInt64 = 600_000_000
  /// For evidence, and after it: well before anything may try the path again for want of probes.
  private static let patience: UInt64 = 3_000_000_000
  private static let after: UInt64 = 500_000_000
  private static let nap: UInt32 = 100
  private static let seconds = 5.0

  private let fabric: Fabric
  private let hosts: PathHosts
  private let transfers: [FabricTransfer]

  init(_ fabric: Fabric, _ hosts: PathHosts, seed: UInt64) {
    (self.fabric, self.hosts) = (fabric, hosts)
    var generator = SeededGenerator(seed: seed)
    transfers = (0..<250).map { number in
      FabricTransfer(
        startNanoseconds: Int((Double(number) + generator.unit()) * Self.seconds / 250 * 1e9), source: 0,
        destination: fabric.plan.hostsPerLeaf + number % fabric.plan.hostsPerLeaf, headBytes: 100,
        bytes: 20_000)
    }
  }

  func measure() throws -> Reading {
    let flows = try FabricFlows(.init(transfers), over: fabric)
    defer { flows.stop() }
    let talk = try FabricTalk(over: fabric, from: 0, flows: 8, every: 0.002)
    defer { talk.stop() }
    let turn = RealTimeTurn()
    defer { turn.end() }
    let begun = MonotonicClock.nanoseconds
    while MonotonicClock.nanoseconds - begun < Self.warm { usleep(10_000) }
    let name = try InstanceName(hosts.names[0])
    let selection = try hosts.selection(0)
    let path = try Self.busier(selection.counts(of: name))
    let lost = MonotonicClock.nanoseconds
    try fabric.silence(spine: path, fromLeaf: 0)
    var last = (packets: UInt64(0), time: lost)
    var (look, resolution) = (lost, UInt64(0))
    var evidence: (time: UInt64, rtt: UInt64)?
    while MonotonicClock.nanoseconds < (evidence.map { $0.time + Self.after } ?? lost + Self.patience) {
      let packets = try selection.counts(of: name)[path].packets
      // It left after the look before.
      let now = MonotonicClock.nanoseconds
      if packets != last.packets { (last, resolution) = ((packets, look), now - look) }
      look = now
      let state = try selection.states(of: name)[path]
      if evidence == nil, state.silent_ns > 0 { evidence = (state.silent_ns, state.rtt_us) }
      usleep(Self.nap)
    }
    guard let evidence else { return Reading(faults: ["a silent path gave no evidence"]) }
    let leaving = Double(last.time) / 1e6 - Double(evidence.time) / 1e6
    let roundTrip = Double(evidence.rtt) / 1e3
    var reading = Reading([
      FabricPaths.evidence: (Double(evidence.time) - Double(lost)) / 1e6,
      FabricPaths.leaving: max(leaving, 0), FabricPaths.roundTrip: roundTrip,
      FabricPaths.beyond: max(leaving, 0) - roundTrip,
      FabricPaths.resolution: Double(resolution) / 1e6,
    ])
    let counts = try flows.finish(within: .seconds(20))
    reading[FabricPaths.completed] = Double(counts.completed)
    reading[FabricPaths.unfinished] = Double(counts.begun - counts.completed)
    return reading
  }

  private static func busier(_ counts: [path_counts]) -> Int {
    counts.indices.max { counts[$0].packets < counts[$1].packets } ?? 0
  }
}
