import CHost
import Foundation

/// The emulator as a process of its own: reads an order from its standard input, makes the two devices, says
/// `ready`, carries packets until told to stop (or terminated, or its owner is gone), and writes a report.
package enum LinkWorker {
  /// What the worker is told, as one line of JSON.
  package struct Order: Codable, Sendable {
    package var link: LinkConfiguration
    package var clientNamespace: String
    package var serverNamespace: String
    package var device: String
    /// Namespaces to remove when the owner is gone without having said `stop`.
    package var removeWhenOrphaned: [String]
  }

  /// What the worker says once its devices exist.
  struct Ready: Codable {
    var ready: Bool
  }

  /// What a running worker is told. Traces stay behind: reading one would hold up the packets.
  struct Change: Codable {
    private var link: LinkConfiguration
    private var keepsForwardTrace: Bool
    private var keepsBackwardTrace: Bool

    init(_ link: LinkConfiguration) {
      self.link = link
      keepsForwardTrace = link.forward.trace != nil
      keepsBackwardTrace = link.backward.trace != nil
      self.link.forward.trace = nil
      self.link.backward.trace = nil
    }

    /// The link after the change, with the traces of the present one.
    func applied(to present: LinkConfiguration) -> LinkConfiguration {
      var next = link
      if keepsForwardTrace { next.forward.trace = present.forward.trace }
      if keepsBackwardTrace { next.backward.trace = present.backward.trace }
      return next
    }
  }

  /// Two of the longest traces, in base64.
  static let longestOrder = 16 << 20
  static let longestChange = 65_536
  /// Below the kernel's own real-time threads, above everything that measures.
  static let realtimePriority: Int32 = 20

  /// The only argument of a program that is to be the worker.
  package static let argument = "link-worker"

  /// Whether this process was started as the worker.
  package static var isAsked: Bool { CommandLine.arguments.dropFirst() == [argument] }

  /// Serves one order from start to end.
  package static func serve() throws {
    let termination = medulla_interruption_descriptor()
    // Ctrl-C goes to the whole foreground group; the owner decides when the link ends.
    signal(SIGINT, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
    let order = try JSONDecoder().decode(Order.self, from: readOrder())
    try order.link.validate()
    let devices = try openDevices(order)
    defer {
      close(devices.client)
      close(devices.server)
    }
    _ = medulla_set_timer_slack(1)
    let realtime = medulla_set_realtime(realtimePriority) == 0
    var loop = LinkLoop(
      order.link,
      descriptors: .init(
        client: devices.client, server: devices.server, control: STDIN_FILENO, termination: termination))
    try say(Ready(ready: true))
    let report = loop.run(realtime: realtime)
    if report.ending == LinkLoop.Ending.ownerGone.rawValue {
      NetworkNamespace.removeWithProcesses(
        order.removeWhenOrphaned.filter { NetworkNamespace.owner(of: $0) != nil })
      return
    }
    try say(report)
  }

  /// Opens the order's device in both namespaces; the calling thread comes back to its own.
  static func openDevices(_ order: Order) throws -> (client: Int32, server: Int32) {
    let own = medulla_current_network_namespace()
    guard own >= 0 else { throw failure("find its own network namespace", own) }
    defer {
      _ = medulla_enter_network_namespace_of(own)
      close(own)
    }
    let client = try openDevice(order.device, in: order.clientNamespace)
    do {
      return (client, try openDevice(order.device, in: order.serverNamespace))
    } catch {
      close(client)
      throw error
    }
  }

  private static func openDevice(_ name: String, in namespace: String) throws -> Int32 {
    let entered = medulla_enter_network_namespace(namespace)
    guard entered == 0 else { throw failure("enter \(namespace)", entered) }
    let device = medulla_open_tun(name)
    guard device >= 0 else { throw failure("open TUN device \(name) in \(namespace)", device) }
    return device
  }

  private static func failure(_ what: String, _ code: Int32) -> TestbedError {
    TestbedError(
      .linkFailed, "The link emulator cannot \(what): \(String(cString: strerror(-code))).",
      remedy: "It needs root and the `tun` kernel module (`modprobe tun`).")
  }

  private static func readOrder() throws -> Data {
    var line: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    // The owner writes one line and then waits for `ready`, so that nothing follows the newline.
    while line.count < longestOrder, line.last != UInt8(ascii: "\n") {
      let count = read(STDIN_FILENO, &chunk, chunk.count)
      guard count > 0 else { break }
      line.append(contentsOf: chunk[..<count])
    }
    return Data(line)
  }

  private static func say(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try FileHandle.standardOutput.write(contentsOf: encoder.encode(value) + [UInt8(ascii: "\n")])
  }
}
