import CWire
import Foundation

/// Two namespaces with several wires between them, and one more for what comes back. Removed with their last
/// owner.
///
/// | | near | far |
/// | --- | --- | --- |
/// | wire n, from 0 | `med-pN`, 10.80.N.1, fd80:N::1 | `med-qN`, 10.80.N.2, fd80:N::2 |
/// | on loopback | 10.98.0.1, fd98::1 | 10.99.0.2, fd99::2 |
///
/// Packets to the far loopback's addresses go out of `med-p0`, or, when they are `steered`, to `med-hook`,
/// which needs no neighbours and ends nowhere: a path must be chosen for them.
package final class Wires: Sendable {
  package static let server = "10.99.0.2"
  package static let client = "10.98.0.1"
  private let nearEnd: SlowLoopback
  private let farEnd: SlowLoopback
  private let count: Int

  package var near: String { nearEnd.name }
  package var far: String { farEnd.name }

  package init(_ count: Int = 2) throws {
    (nearEnd, farEnd, self.count) = (try SlowLoopback(), try SlowLoopback(), count)
    for name in [near, far] {
      for key in ["ipv4.conf.all.rp_filter=0", "ipv4.conf.default.rp_filter=0"] {
        try set(name, "net.\(key)")
      }
      for key in ["all.seg6_enabled=1", "default.seg6_enabled=1", "default.accept_dad=0"] {
        try set(name, "net.ipv6.conf.\(key)")
      }
    }
    for wire in 0...count {
      try SlowLoopback.run([
        "ip", "link", "add", "med-p\(wire)", "netns", near, "type", "veth", "peer", "name", "med-q\(wire)",
        "netns", far,
      ])
      // Where a device forwards programs are told of its next hops.
      try set(near, "net.ipv4.conf.med-p\(wire).forwarding=1")
      try up(near, "med-p\(wire)", ["10.80.\(wire).1/24", "fd80:\(wire)::1/64"])
      try up(far, "med-q\(wire)", ["10.80.\(wire).2/24", "fd80:\(wire)::2/64"])
    }
    for wire in 0..<count { try meet(wire) }
    try up(near, "lo", ["\(Self.client)/32", "fd98::1/128"])
    try up(far, "lo", ["\(Self.server)/32", "fd99::2/128"])
    try route(near, "\(Self.server)/32", "10.80.0.2", "med-p0", source: Self.client)
    try route(near, "fd99::2/128", "fd80:0::2", "med-p0", source: "fd98::1")
    // Over each of the others too, for whoever says that it goes out there.
    for wire in 0..<count {
      try configureNear([
        "route", "add", "\(Self.server)/32", "via", "10.80.\(wire).2", "dev", "med-p\(wire)", "src",
        Self.client,
        "metric", "\(wire + 100)",
      ])
    }
    try route(far, "\(Self.client)/32", "10.80.\(count).1", "med-q\(count)", source: Self.server)
    try route(far, "fd98::1/128", "fd80:\(count)::1", "med-q\(count)", source: "fd99::2")
  }

  private func set(_ name: String, _ setting: String) throws {
    try SlowLoopback.run(["ip", "netns", "exec", name, "sysctl", "-qw", setting])
  }

  private func up(_ name: String, _ device: String, _ addresses: [String]) throws {
    for address in addresses {
      let six = address.contains(":") ? ["nodad"] : []
      try SlowLoopback.run(["ip", "-n", name, "addr", "add", address, "dev", device] + six)
    }
    try SlowLoopback.run(["ip", "-n", name, "link", "set", device, "up"])
  }

  package func route(
    _ name: String, _ destination: String, _ hop: String, _ device: String, source: String
  ) throws {
    let version = destination.contains(":") ? "-6" : "-4"
    try SlowLoopback.run([
      "ip", version, "-n", name, "route", "add", destination, "via", hop, "dev", device, "src", source,
    ])
  }

  /// Sends packets to the far loopback to where only a function takes them on.
  package func steer() throws {
    try configureNear(["link", "add", "med-hook", "type", "veth", "peer", "name", "med-end"])
    for device in ["med-end", "med-hook"] {
      try configureNear(["link", "set", device, "arp", "off", "up"])
    }
    for (version, destination, source) in [
      ("-4", "\(Self.server)/32", Self.client), ("-6", "fd99::2/128", "fd98::1"),
    ] {
      try configureNear([version, "route", "replace", destination, "dev", "med-hook", "src", source])
    }
  }

  /// What is sent on the wire is lost without a word, or arrives again: to an address on the link that nobody
  /// has.
  package func set(wire: Int, isSilent: Bool) throws {
    let neighbour = ["10.80.\(wire).2", "dev", "med-p\(wire)"]
    if isSilent {
      try configureNear(
        ["neigh", "replace"] + neighbour + ["lladdr", "02:00:00:00:00:99", "nud", "permanent"])
    } else {
      try configureNear(["neigh", "del"] + neighbour)
      try meet(wire)
    }
  }

  /// The ends of a wire get to know each other.
  private func meet(_ wire: Int) throws {
    for address in ["10.80.\(wire).2", "fd80:\(wire)::2"] {
      _ = try nearEnd.output(["ping", "-c", "1", "-W", "1", "-I", "med-p\(wire)", address])
    }
  }

  /// The wire is cut, which both ends see, or mended.
  package func set(wire: Int, isUp: Bool) throws {
    try SlowLoopback.run(["ip", "-n", far, "link", "set", "med-q\(wire)", isUp ? "up" : "down"])
  }

  /// What comes back passes a link of `megabits` a second with a queue of so many bytes; more is dropped.
  package func slowReturn(megabits: Int, queue bytes: Int) throws {
    try SlowLoopback.run([
      "tc", "-n", far, "qdisc", "add", "dev", "med-q\(count)", "root", "tbf", "rate", "\(megabits)mbit",
      "burst", "5000", "limit", "\(bytes)",
    ])
  }

  /// Frames that came in at the far end of a wire.
  package func arrived(on wire: Int) throws -> Int {
    let text = try farEnd.output(["ip", "-s", "-o", "link", "show", "med-q\(wire)"])
    let numbers = text.components(separatedBy: "RX:").dropFirst().first?.split(separator: "\\").dropFirst()
      .first
    guard let packets = numbers?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      throw SlowLoopback.Failure(description: "no counts in: \(text)")
    }
    return packets
  }

  /// Makes room for a header in packets to the far loopback's addresses.
  package func narrow(to mtu: Int) throws {
    for (version, destination, hop, source) in [
      ("-4", "\(Self.server)/32", "10.80.0.2", Self.client), ("-6", "fd99::2/128", "fd80:0::2", "fd98::1"),
    ] {
      try configureNear([
        version, "route", "replace", destination, "via", hop, "dev", "med-p0", "src", source, "mtu", "\(mtu)",
      ])
    }
  }

  /// Datagrams from the near end to the far one.
  ///
  /// - Returns: when each arrived, nanoseconds of the monotonic clock.
  package func talk(for seconds: Double, every pause: Double) throws -> [UInt64] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c", Self.talking, near, far, Self.server, "\(seconds)", "\(pause)",
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { UInt64($0) }
  }

  private static let talking = """
    import ctypes, os, socket, sys, threading, time
    near, far, server, seconds, pause = sys.argv[1:]
    seconds, pause = float(seconds), float(pause)
    libc = ctypes.CDLL(None, use_errno=True)
    def inside(name):
        with open(f"/run/netns/{name}") as file:
            if libc.setns(file.fileno(), 0):
                raise OSError(ctypes.get_errno(), "setns")
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver = inside(far)
    receiver.bind((server, 5001))
    receiver.settimeout(0.5)
    sender = inside(near)
    def send():
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                sender.sendto(b"x", (server, 5001))
            except OSError:
                pass
            time.sleep(pause)
    thread = threading.Thread(target=send)
    thread.start()
    times = []
    while True:
        try:
            receiver.recv(16)
            times.append(time.monotonic_ns())
        except TimeoutError:
            if not thread.is_alive():
                break
    print(*times, sep="\\n")
    """

  /// What comes in at the far end of a wire from now on.
  package func listen(on wire: Int) throws -> VethPair.Listener {
    let device = "med-q\(wire)"
    let descriptor = try farEnd.inside { wire_open(device, 1) }
    guard descriptor >= 0 else { throw SlowLoopback.Failure(description: "nobody listens: \(-descriptor)") }
    return VethPair.Listener(descriptor)
  }

  /// Runs `ip` in the far namespace.
  package func configureFar(_ arguments: [String]) throws {
    try SlowLoopback.run(["ip", "-n", far] + arguments)
  }

  package func configureNear(_ arguments: [String]) throws {
    try SlowLoopback.run(["ip", "-n", near] + arguments)
  }

  package func insideNear<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) throws -> Value { try nearEnd.inside(body) }

  /// A server at the far end that reads each connection to its end and answers with how many bytes there were
  /// and their digest; ends with its last owner.
  ///
  /// - Parameter atNearEnd: there instead.
  package func serve(atNearEnd: Bool = false) throws -> Server { try Server(atNearEnd ? near : far) }

  package final class Server {
    private let process = Process()

    fileprivate init(_ name: String) throws {
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["nsenter", "--net=/run/netns/\(name)", "python3", "-c", Self.program]
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      // Its first line: it listens.
      _ = output.fileHandleForReading.availableData
    }

    deinit {
      // Another signal may be blocked in what a test starts.
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }

    private static let program = """
      import hashlib, socket, threading
      def serve(connection):
          digest, count = hashlib.sha256(), 0
          with connection:
              while True:
                  data = connection.recv(1 << 16)
                  if not data:
                      break
                  digest.update(data)
                  count += len(data)
              connection.sendall(f"{count} {digest.hexdigest()}".encode())
      listener = socket.create_server(("::", 5000), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)
      print("ready", flush=True)
      while True:
          connection, _ = listener.accept()
          threading.Thread(target=serve, args=(connection,), daemon=True).start()
      """
  }

  /// Connections from the near end, or to it, each of `bytes`, `pieces` of them with pauses between.
  ///
  /// - Returns: of each, the seconds that it took; it throws when one did not arrive as it was sent.
  package func send(
    _ connections: Int, bytes: Int, pieces: Int = 1, pause: Double = 0, to server: String = Wires.server,
    fromNearEnd: Bool = true, atOnce: Bool = false, within seconds: Double = 20
  ) throws -> [Double] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "nsenter", "--net=/run/netns/\(fromNearEnd ? near : far)", "python3", "-c", Self.sending, server,
      "\(connections)",
      "\(bytes)",
      "\(pieces)", "\(pause)", atOnce ? "1" : "0", "\(seconds)",
    ]
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let complaint = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw SlowLoopback.Failure(description: String(decoding: complaint, as: UTF8.self))
    }
    return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { Double($0) }
  }

  private static let sending = """
    import hashlib, os, socket, sys, threading, time
    server, count, size, pieces, pause, at_once, limit = sys.argv[1:]
    count, size, pieces, pause, limit = int(count), int(size), int(pieces), float(pause), float(limit)
    failed = []
    def send():
        begun, data = time.monotonic(), os.urandom(size)
        try:
            with socket.create_connection((server, 5000), timeout=limit) as connection:
                step = -(-size // pieces)
                for at in range(0, size, step):
                    if at:
                        time.sleep(pause)
                    connection.sendall(data[at : at + step])
                connection.shutdown(socket.SHUT_WR)
                answer = connection.makefile().read()
            if answer != f"{size} {hashlib.sha256(data).hexdigest()}":
                failed.append(f"answered {answer!r}")
        except OSError as error:
            failed.append(repr(error))
        sys.stdout.write(f"{time.monotonic() - begun}\\n")
    threads = [threading.Thread(target=send) for _ in range(count)]
    for thread in threads:
        thread.start()
        if at_once == "0":
            thread.join()
    for thread in threads:
        thread.join()
    sys.exit("; ".join(failed) if failed else 0)
    """
}
