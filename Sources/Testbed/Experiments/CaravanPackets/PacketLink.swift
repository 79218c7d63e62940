import Foundation
import MedullaBase
import MedullaDatapath
import TestbedLink

/// A pair of devices in a namespace: tcpreplay sends at one, a classifier is at the other.
final class PacketLink {
  let namespace: NetworkNamespace
  let name: String
  let receiver = "cr"
  private let sender = "cs"
  private var isThere = true
  /// How long a phase may take.
  private static let patience = Duration.seconds(300)

  init() throws {
    namespace = try NetworkNamespace(role: "packets")
    // That of no other: of the process and of its namespaces.
    name = "cp" + namespace.name.filter(\.isNumber)
    do {
      // Nothing of the devices' own is to be among the flows.
      try namespace.set(["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"])
      try namespace.configure(["link", "add", sender, "type", "veth", "peer", "name", receiver])
      for device in [sender, receiver] { try namespace.configure(["link", "set", device, "up"]) }
    } catch {
      namespace.remove()
      throw error
    }
  }

  deinit { remove() }

  /// Detaches what the daemon has attached, and removes the namespace; safe to call twice.
  func remove() {
    guard isThere else { return }
    isThere = false
    try? Instance(name).detach()
    namespace.remove()
  }

  /// Sends a capture, so many packets a second, to its end.
  func send(_ path: String, pace: Int) throws {
    try ChildProcess.run(
      namespace.entering(["tcpreplay", "-q", "-i", sender, "--pps=\(pace)", path]), within: Self.patience)
  }

  /// Packets received a second, while one capture is sent again and again as fast as it can be, and another
  /// at its pace.
  func rate(_ path: String, beside other: String, pace: Int, milliseconds: Int) throws -> Double {
    let paced = try namespace.start(
      ["tcpreplay", "-q", "-i", sender, "--pps=\(pace)", other], output: .discarded, errors: .discarded)
    defer { paced.end(patience: .seconds(1)) }
    let fast = try namespace.start(
      ["tcpreplay", "-q", "-i", sender, "--preload-pcap", "--topspeed", "--loop=1000000", path],
      output: .discarded, errors: .discarded)
    defer { fast.end(patience: .seconds(1)) }
    // Its flows are decided then.
    try Interruption.sleep(.milliseconds(500))
    let (before, begin) = (try namespace.received(by: receiver), MonotonicClock.nanoseconds)
    try Interruption.sleep(.milliseconds(milliseconds))
    let (after, end) = (try namespace.received(by: receiver), MonotonicClock.nanoseconds)
    guard fast.isRunning, paced.isRunning, after > before else {
      throw TestbedError(
        .linkFailed, "A sender of \(sender) ended before the measurement did.",
        remedy: "Give shorter slices, or a slower pace.")
    }
    return Double(after - before) / Double(end - begin) * 1e9
  }
}
