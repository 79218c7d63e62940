import Foundation
import MedullaBase
import MedullaDatapath
import TestbedLink

/// Pairs of devices in a namespace: tcpreplay sends at one of each, a classifier is at the other.
final class PacketLink {
  /// Which pair.
  enum Wire: String {
    /// At whose end the daemon's classifier is.
    case learning = "c"
    /// At whose end a classifier is that nobody asks or changes.
    case frozen = "f"

    var sender: String { rawValue + "s" }
    var receiver: String { rawValue + "r" }
  }

  let namespace: NetworkNamespace
  private let number: String
  private var isThere = true
  /// How long a phase may take.
  private static let patience = Duration.seconds(300)

  init() throws {
    namespace = try NetworkNamespace(role: "packets")
    number = namespace.name.filter(\.isNumber)
    do {
      // Nothing of the devices' own is to be among the flows.
      try namespace.set(["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"])
      try add(.learning)
    } catch {
      namespace.remove()
      throw error
    }
  }

  deinit { remove() }

  /// Of the classifier at a wire's end: that of no other process or namespace.
  func name(at wire: Wire) -> String { "\(wire.rawValue)p\(number)" }

  func add(_ wire: Wire) throws {
    try namespace.configure(["link", "add", wire.sender, "type", "veth", "peer", "name", wire.receiver])
    for device in [wire.sender, wire.receiver] { try namespace.configure(["link", "set", device, "up"]) }
  }

  /// Detaches what is attached, and removes the namespace; safe to call twice.
  func remove() {
    guard isThere else { return }
    isThere = false
    for wire in [Wire.learning, .frozen] { try? Instance(name(at: wire)).detach() }
    namespace.remove()
  }

  /// Sends a capture, so many packets a second, to its end.
  func send(_ path: String, pace: Int) throws {
    try ChildProcess.run(namespace.entering(Self.paced(path, pace)), within: Self.patience)
  }

  /// Sends a capture at its pace meanwhile.
  func start(_ path: String, pace: Int) throws -> ChildProcess {
    try namespace.start(Self.paced(path, pace), output: .discarded, errors: .discarded)
  }

  /// It sleeps between packets: by its other timers tcpreplay keeps a processor busy.
  private static func paced(_ path: String, _ pace: Int) -> [String] {
    ["tcpreplay", "-q", "-i", Wire.learning.sender, "--timer=select", "--pps=\(pace)", path]
  }

  /// Sends a capture again and again, as fast as it can be, until it is ended. Of the highest priority on a
  /// processor of its own nothing but the packets takes its time. It waits for its first turn.
  func flood(_ wire: Wire, _ path: String) throws -> Flood {
    let processor = String(ProcessInfo.processInfo.activeProcessorCount - 1)
    let sender = try namespace.start(
      [
        "taskset", "-c", processor, "nice", "-n", "-20", "tcpreplay", "-q", "-i", wire.sender,
        "--preload-pcap", "--topspeed", "--loop=1000000000", path,
      ], output: .discarded, errors: .discarded)
    let flood = Flood(sender, of: wire, in: namespace)
    // Its flows are decided then.
    try Interruption.sleep(.milliseconds(300))
    flood.wait()
    return flood
  }
}

/// Packets that one sender of several sends as fast as it can; it waits while another has its turn.
final class Flood {
  private let sender: ChildProcess
  private let wire: PacketLink.Wire
  private let namespace: NetworkNamespace

  fileprivate init(_ sender: ChildProcess, of wire: PacketLink.Wire, in namespace: NetworkNamespace) {
    (self.sender, self.wire, self.namespace) = (sender, wire, namespace)
  }

  deinit { end() }

  func wait() { sender.signal(SIGSTOP) }

  func end() {
    // What waits hears of its end only when it goes on.
    sender.signal(SIGCONT)
    sender.end(patience: .seconds(1))
  }

  /// Packets received a second in one turn.
  func turn(milliseconds: Int) throws -> Double {
    sender.signal(SIGCONT)
    defer { wait() }
    // Until it runs.
    try Interruption.sleep(.milliseconds(20))
    let (before, begin) = (try namespace.received(by: wire.receiver), MonotonicClock.nanoseconds)
    try Interruption.sleep(.milliseconds(milliseconds))
    let (after, end) = (try namespace.received(by: wire.receiver), MonotonicClock.nanoseconds)
    guard sender.isRunning, after > before else {
      throw TestbedError(
        .linkFailed, "A sender of \(wire.sender) sends nothing any more.",
        remedy: "Run it again; report this if it comes back.")
    }
    return Double(after - before) / Double(end - begin) * 1e9
  }
}
