import Foundation
import MedullaBase

/// Two network namespaces with an emulated link between them, carried by a process of its own.
///
/// `stop` ends the link and gives its report; when the value goes away first, everything is removed as well.
package final class LinkEmulator {
  /// Addresses of the two ends; every link has the same, as each has its own namespaces.
  package enum Address {
    package static let client = "10.94.0.1"
    package static let server = "10.94.0.2"
    package static let client6 = "fd6d:6564:756c::1"
    package static let server6 = "fd6d:6564:756c::2"
  }

  /// The running program, which knows `link-worker`.
  package static let ownExecutable = SiblingProgram.own

  package static let device = "medulla0"
  /// Frames that a device holds for the emulator: more than any congestion window here, so that packets are
  /// dropped by the emulated buffer only. The kernel takes no more since 6.1.189, 6.12.111 and 7.3.
  private static let deviceQueueFrames = 32_767
  /// Largest receive and send buffer: five times 400 Mbit/s × 100 ms, with the kernel's own overhead.
  private static let socketBufferBytes = 128 << 20

  /// As it is now; `change` sets another.
  package private(set) var configuration: LinkConfiguration
  package let client: NetworkNamespace
  package let server: NetworkNamespace
  private let worker: ChildProcess
  private var stopped = false

  /// Makes the namespaces and starts `PROGRAM link-worker`. Needs root.
  ///
  /// - Parameter executable: the `medulla` program; by default the running one.
  package init(_ configuration: LinkConfiguration, executable: String = ownExecutable) throws {
    try configuration.validate()
    NetworkNamespace.removeAbandoned()
    self.configuration = configuration
    client = try NetworkNamespace(role: "client")
    do {
      server = try NetworkNamespace(role: "server")
    } catch {
      client.remove()
      throw error
    }
    do {
      worker = try Self.start(configuration, executable, client, server)
      try Self.configure(client, Address.client, Address.client6, mtu: configuration.mtu)
      try Self.configure(server, Address.server, Address.server6, mtu: configuration.mtu)
    } catch {
      client.remove()
      server.remove()
      throw error
    }
  }

  deinit { tearDown() }

  /// Makes a link, runs `body`, and removes the link whatever happens.
  package static func with<Result>(
    _ configuration: LinkConfiguration, executable: String = ownExecutable,
    _ body: (LinkEmulator) throws -> Result
  ) throws -> Result {
    let link = try LinkEmulator(configuration, executable: executable)
    defer { link.tearDown() }
    return try body(link)
  }

  package var workerIdentifier: Int32 { worker.identifier }
  package var isRunning: Bool { worker.isRunning }

  /// Ends the present measuring window and begins the next.
  package func beginWindow() throws {
    guard worker.send("w") else { throw Self.gone }
  }

  /// Follows another configuration from now on, and begins a measuring window. Packets on their way keep
  /// their times; MTU, seed and the width of bins stay as they were. A trace can stay or end; another one
  /// cannot begin.
  package func change(_ link: LinkConfiguration) throws {
    var link = link
    (link.mtu, link.seed) = (configuration.mtu, configuration.seed)
    link.binNanoseconds = configuration.binNanoseconds
    try link.validate()
    guard
      [(link.forward, configuration.forward), (link.backward, configuration.backward)]
        .allSatisfy({ next, now in next.trace == nil || next.trace == now.trace })
    else {
      throw TestbedError(
        .badParameter, "A trace cannot begin in mid-run.", remedy: "Start the link with it.")
    }
    let line = String(decoding: try JSONEncoder().encode(LinkWorker.Change(link)), as: UTF8.self)
    guard worker.send("c\(line)\n") else { throw Self.gone }
    configuration = link
  }

  /// Packets that the two devices dropped because their own queue was full; the emulated link knows nothing
  /// of them.
  package func deviceDrops() throws -> Int {
    try [client, server].reduce(0) { sum, namespace in
      let outcome = try ChildProcess.run([
        "ip", "-n", namespace.name, "-s", "-j", "link", "show", Self.device,
      ])
      let devices = try JSONDecoder().decode([DeviceStatistics].self, from: Data(outcome.output))
      return sum + devices.reduce(0) { $0 + $1.stats64.tx.dropped }
    }
  }

  /// Stops the link, removes the namespaces, and returns what the link did.
  package func stop() throws -> LinkReport {
    defer { tearDown() }
    stopped = true
    worker.send("s")
    let outcome = try worker.finish(within: .seconds(10), uninterrupted: true)
    guard outcome.status == 0 else { throw worker.failure(outcome) }
    guard let line = outcome.output.split(separator: UInt8(ascii: "\n")).last else { throw Self.gone }
    do {
      return try JSONDecoder().decode(LinkReport.self, from: Data(line))
    } catch {
      throw TestbedError(
        .unreadableReport, "The link worker's report cannot be read: \(error).",
        remedy: "Use the worker of the same version.")
    }
  }

  /// Ends the worker, and removes the namespaces with what still runs in them; safe to call twice.
  package func tearDown() {
    if !stopped {
      stopped = true
      worker.send("s")
      worker.closeInput()
      worker.end(patience: .seconds(2))
    }
    NetworkNamespace.removeWithProcesses([client.name, server.name])
  }

  private static let gone = TestbedError(
    .linkFailed, "The link worker has ended before its time.",
    remedy: "Look for whoever killed it; run the command again.")

  private static func start(
    _ configuration: LinkConfiguration, _ executable: String, _ client: NetworkNamespace,
    _ server: NetworkNamespace
  ) throws -> ChildProcess {
    let order = LinkWorker.Order(
      link: configuration, clientNamespace: client.path, serverNamespace: server.path, device: device,
      removeWhenOrphaned: [client.name, server.name])
    let worker = try ChildProcess([executable, LinkWorker.argument], input: .pipe)
    worker.send(String(decoding: try JSONEncoder().encode(order), as: UTF8.self) + "\n")
    guard let line = try worker.readLine(within: .seconds(10)),
      let ready = try? JSONDecoder().decode(LinkWorker.Ready.self, from: Data(line.utf8)), ready.ready
    else { throw worker.failure(try worker.finish(within: .seconds(2))) }
    return worker
  }

  private static func configure(
    _ namespace: NetworkNamespace, _ address: String, _ address6: String, mtu: Int
  ) throws {
    try namespace.configure(["address", "add", "\(address)/30", "dev", device])
    try namespace.configure([
      "link", "set", device, "mtu", "\(mtu)", "txqueuelen", "\(deviceQueueFrames)", "up",
    ])
    if mtu >= 1280 {
      try namespace.configure(["-6", "address", "add", "\(address6)/126", "dev", device, "nodad"])
    }
    try namespace.set([
      "net.ipv4.tcp_no_metrics_save=1",
      "net.ipv4.tcp_rmem=4096 131072 \(socketBufferBytes)",
      "net.ipv4.tcp_wmem=4096 65536 \(socketBufferBytes)",
    ])
  }
}

private struct DeviceStatistics: Decodable {
  struct Both: Decodable { let tx: Side }
  struct Side: Decodable { let dropped: Int }
  let stats64: Both
}
